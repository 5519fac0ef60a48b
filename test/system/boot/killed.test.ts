import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mountsWith, networkDevices, processesWith } from '../support/machine.ts';
import { skipLoudly } from '../support/nebula-programs.ts';
import { eventually } from './support/machine.ts';
import { bootObstacle } from './support/obstacle.ts';

describe.skipIf(skipLoudly('what a killed test leaves', bootObstacle))('a test that boots machines', () => {
  it('leaves nothing that runs when it is killed', async () => {
    const program = join(import.meta.dirname, 'support/killed-child.ts');
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [name] = (await once(child.stdout, 'data')) as [Buffer];
    const machine = name.toString('utf8');
    expect(processesWith(`--machine=${machine}`)).not.toEqual([]);

    child.kill('SIGKILL');

    await eventually('end of the machine', () => processesWith(machine).length === 0 || undefined);
    expect(mountsWith(machine)).toEqual([]);
    expect(networkDevices().filter((device) => device === machine)).toEqual([]);
  });
});
