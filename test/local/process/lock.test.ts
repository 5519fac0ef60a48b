import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, withLock } from '../../../local/process/lock.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carrierarr-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => rmSync(directory, { recursive: true }));

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Id of a process that was there and is gone. */
const deadPid = (): number => spawnSync('true').pid;

describe('a lock', () => {
  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = () =>
      withLock(path, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await pause(20);
        inside -= 1;
      });

    await Promise.all([work(), work(), work()]);

    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('is given back when the work fails', async () => {
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');

    expect(existsSync(path)).toBe(false);
  });

  it('of a dead owner does not count', async () => {
    writeFileSync(path, String(deadPid()));

    expect(await withLock(path, async () => 'in')).toBe('in');
  });

  it('of a living owner is waited for until somebody aborts', async () => {
    writeFileSync(path, String(process.pid));
    const abort = new AbortController();
    const waiting = withLock(path, async () => 'in', abort.signal);

    abort.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
    expect(existsSync(path)).toBe(true);
  });
});

describe('isAlive', () => {
  it('tells the living from the dead, also where the living are not ours', () => {
    expect(isAlive(process.pid)).toBe(true);
    expect(isAlive(1)).toBe(true);
    expect(isAlive(deadPid())).toBe(false);
  });
});
