import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trimEnd().split('\n');
/** By name, or by the first line where a program has no ending. */
const scripts = tracked.filter(
  (file) =>
    /\.sh$/.test(file) ||
    (!/\.[a-z]+$/.test(file) && statSync(file).isFile() && /^#!.*\b(ba)?sh\b/.test(readFileSync(file, 'utf8'))),
);
const missing = spawnSync('shellcheck', ['--version']).status !== 0;
if (missing) console.warn('SKIPPED: scripts are not checked, shellcheck is not installed');

describe.skipIf(missing)('shell scripts', () => {
  it('are found', () => {
    expect(scripts).toContain('ssm/renew-certificate.sh');
    expect(scripts).toContain('local/node/standins/common/systemctl');
  });

  it('satisfy shellcheck', () => {
    const split = ['-0', `-P${availableParallelism()}`, '-n16', 'shellcheck'];
    const { stdout, stderr, status } = spawnSync('xargs', split, { input: scripts.join('\0'), encoding: 'utf8' });

    expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: '' });
  });
});
