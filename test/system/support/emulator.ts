import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installMinistack } from '../../../local/ministack/install.ts';
import { startMinistack } from '../../../local/ministack/ministack.ts';
import { freePort } from '../../../local/process/free-port.ts';
import { Supervisor } from '../../../local/process/supervisor.ts';
import { emulatorObstacle, pythonDirectory } from '../../scenario/support/emulator.ts';

/** Why this machine cannot have the emulator; undefined if it can. Tests that need it are skipped otherwise. */
export const obstacle = await emulatorObstacle();

export interface Emulator {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts an emulator of its own, as the embedded cloud does, but with no edge in front of it. */
export const startEmulator = async (): Promise<Emulator> => {
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-emulator-'));
  const logFile = join(directory, 'log');
  const supervisor = new Supervisor();
  const { python } = await installMinistack({ directory: pythonDirectory, supervisor, logFile });
  const port = await freePort();
  const url = await startMinistack({
    python,
    port,
    region: 'us-west-2',
    accountId: '000000000000',
    endpoint: `http://127.0.0.1:${port}`,
    directory,
    supervisor,
    logFile,
    waitScale: 1,
  });
  return {
    url,
    stop: async () => {
      await supervisor.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
