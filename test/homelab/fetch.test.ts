import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carrierarr-fetch-'));
  writeFileSync(join(folder, 'program'), 'a program');
});
afterEach(() => rmSync(folder, { recursive: true }));

const SHA256 = createHash('sha256').update('a program').digest('hex');
const url = (name: string): string => `file://${join(folder, name)}`;
const fetch = (...words: string[]) =>
  spawnSync('homelab/ssm-node/fetch.sh', [url('program'), join(folder, 'got'), ...words], { encoding: 'utf8' });

describe('what is downloaded into the image', () => {
  it('is kept when it is what was pinned', () => {
    expect(fetch(SHA256).status).toBe(0);
    expect(readFileSync(join(folder, 'got'), 'utf8')).toBe('a program');
  });

  it('goes by the published checksum where none is pinned, and says so', () => {
    writeFileSync(join(folder, 'sum'), `${SHA256}  program\n`);

    const { status, stderr } = fetch('', url('sum'));

    expect(status).toBe(0);
    expect(stderr).toContain('no checksum is pinned');
  });

  it.each([
    ['another checksum', ['0'.repeat(64)], 'expected 000'],
    ['no checksum at all', [''], 'there is no checksum to go by'],
    ['something that is no checksum', ['latest'], "got 'latest'"],
  ])('is refused with %s', (_, words, reason) => {
    const { status, stderr } = fetch(...words);

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(existsSync(join(folder, 'got'))).toBe(false);
  });
});
