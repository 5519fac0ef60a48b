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
const fetch = (pins: Record<string, string>, published: string[] = []) =>
  spawnSync('homelab/ssm-node/fetch.sh', ['PROGRAM', 'v1.0+x', url('program'), join(folder, 'got'), ...published], {
    encoding: 'utf8',
    env: {
      ...process.env,
      VERSIONS: Object.entries(pins)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    },
  });
const PIN = 'PROGRAM_SHA256_v1_0_x';

describe('what is downloaded into the image', () => {
  it('is kept when it is what was pinned for that version', () => {
    expect(fetch({ PROGRAM_SHA256_v1_0: '0'.repeat(64), [PIN]: SHA256 }).status).toBe(0);
    expect(readFileSync(join(folder, 'got'), 'utf8')).toBe('a program');
  });

  it('goes by the published checksum where none is pinned, and says so', () => {
    writeFileSync(join(folder, 'sum'), `${SHA256}  program\n`);

    const { status, stderr } = fetch({}, [url('sum')]);

    expect(status).toBe(0);
    expect(stderr).toContain('no checksum is pinned');
  });

  it.each([
    ['another checksum', { [PIN]: '0'.repeat(64) }, 'expected 000'],
    ['no checksum at all', {}, 'there is no checksum to go by'],
    ['something that is no checksum', { [PIN]: 'latest' }, "got 'latest'"],
  ])('is refused with %s', (_, pins, reason) => {
    const { status, stderr } = fetch(pins);

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(existsSync(join(folder, 'got'))).toBe(false);
  });
});

describe('the image of the node', () => {
  it('takes every version from the list and has a checksum for each that it can have', () => {
    const dockerfile = readFileSync('homelab/ssm-node/Dockerfile', 'utf8');
    const versions = readFileSync('ami/versions.env', 'utf8');
    const fetched = [...dockerfile.matchAll(/fetch ([A-Z_]+) "\$([A-Z_]+)"/g)];

    expect(fetched.map(([, product]) => product)).toEqual(['SSM_AGENT_DEB', 'KUBECTL', 'CILIUM_CLI', 'LIQOCTL']);
    for (const [, , version] of fetched) expect(versions).toContain(`\n${version}=`);
  });
});
