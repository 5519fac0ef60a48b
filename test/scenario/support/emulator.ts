import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '../../../lambda/shared/errors.ts';
import { installMinistack } from '../../../local/ministack/install.ts';
import { stateDirectory } from '../../../local/paths.ts';
import { Supervisor } from '../../../local/process/supervisor.ts';

/** Where the emulator's Python environment lies, for every test of this clone. */
export const pythonDirectory = join(stateDirectory(), 'python');

/**
 * Installs the emulator. Returns why it cannot be had on this machine (no Python, no venv, no network), undefined if it
 * can. Any other failure is thrown.
 */
export const emulatorObstacle = async (): Promise<string | undefined> => {
  const supervisor = new Supervisor();
  const logs = await mkdtemp(join(tmpdir(), 'carrierarr-'));
  try {
    await installMinistack({ directory: pythonDirectory, supervisor, logFile: join(logs, 'log') });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  } finally {
    await supervisor.stop();
    await rm(logs, { recursive: true, force: true });
  }
};
