import { existsSync, readdirSync, rmSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { emulatorObstacle } from '../scenario/support/emulator.ts';
import {
  awaitOutput,
  endlessPython,
  filesOf,
  makeState,
  processesOf,
  type RunningCommand,
  startLocal,
} from './support/local-command.ts';

const obstacle =
  platform() === 'linux' ? await emulatorObstacle() : 'what is left behind is looked for in /proc, which is of Linux';
if (obstacle !== undefined) console.warn(`SKIPPED: demos that are interrupted. ${obstacle}`);

let state = '';
let running: RunningCommand | undefined;
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.exit;
  rmSync(state, { recursive: true, force: true });
});

const PATIENCE = { timeout: 60_000, interval: 200 };

/** Neither process nor file, but for the Python environment. */
const expectNothingLeft = async (): Promise<void> => {
  await vi.waitFor(() => expect(processesOf(state)).toEqual([]), PATIENCE);
  expect(filesOf(state)).toEqual([]);
};

const awaitLog = (name: string): Promise<void> =>
  vi.waitFor(
    () => {
      const clouds = join(state, 'clouds');
      const found =
        existsSync(clouds) && readdirSync(clouds).some((cloud) => existsSync(join(clouds, cloud, 'logs', name)));
      if (!found) throw new Error(`no ${name} yet`);
    },
    { timeout: 150_000, interval: 50 },
  );

describe.skipIf(obstacle !== undefined)('a demo that is interrupted leaves nothing behind', () => {
  it('while Python packages are installed (Ctrl-C)', async () => {
    state = makeState({ python: false });
    running = startLocal(state, ['demo', '--nodes', 'played'], { CARRIERARR_PYTHON: endlessPython(state) });
    await vi.waitFor(() => expect(processesOf(state).join('\n')).toContain('-m pip'), PATIENCE);

    running.child.kill('SIGINT');

    expect(await running.exit).toBe(130);
    await expectNothingLeft();
  });

  it('while the app is synthesised (terminal closed)', async () => {
    state = makeState();
    running = startLocal(state, ['demo', '--nodes', 'played']);
    await awaitLog('cdk-synth.log');

    running.child.kill('SIGHUP');

    expect(await running.exit).toBe(130);
    await expectNothingLeft();
  });

  it('while it deploys (SIGTERM)', async () => {
    state = makeState();
    running = startLocal(state, ['demo', '--nodes', 'played']);
    await awaitLog('cdk-deploy.log');
    expect(processesOf(state).length).toBeGreaterThan(1);

    running.child.kill('SIGTERM');

    expect(await running.exit).toBe(130);
    await expectNothingLeft();
  });

  it('while workers are provisioned, on nodes of the best kind (Ctrl-C)', async () => {
    state = makeState();
    running = startLocal(state, ['demo']);
    await awaitOutput(running, /Wait for boot: running/);

    running.child.kill('SIGINT');

    expect(await running.exit).toBe(130);
    await expectNothingLeft();
  });
});
