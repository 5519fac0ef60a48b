import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LIBRARY = 'ami/base/files/usr/local/lib/carrierarr/lib/private.sh';
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carrierarr-private-'));
  file = join(folder, 'host.key');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const write = (text: string) =>
  spawnSync('bash', ['-c', `set -euo pipefail; umask 022; source ${LIBRARY}; write_private "$@"`, 'bash', file, text]);

describe('a private file', () => {
  it('is for its owner alone, whatever the umask and the file before it', () => {
    writeFileSync(file, 'old');
    chmodSync(file, 0o644);

    expect(write('new\\n %s').status).toBe(0);

    expect(readFileSync(file, 'utf8')).toBe('new\\n %s\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['host.key']);
  });

  it('leaves nothing beside it where it cannot be put in its place', () => {
    mkdirSync(file);

    expect(write('new').status).not.toBe(0);

    expect(readdirSync(folder)).toEqual(['host.key']);
    expect(readdirSync(file)).toEqual([]);
  });
});
