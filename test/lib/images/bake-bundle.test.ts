import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { IMAGES } from '#contract';
import { bakeBundle } from '../../../lib/images/bake-bundle.ts';
import { scriptsOf } from '../../../lib/images/script-list.ts';

const roots: string[] = [];

const repositoryWith = (files: Readonly<Record<string, { text: string; mode?: number }>>): string => {
  const root = mkdtempSync(join(tmpdir(), 'bake-bundle-'));
  roots.push(root);
  for (const [file, { text, mode = 0o644 }] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text, { mode });
  }
  return root;
};

const FILES = {
  'ami/base/scripts/10-system.sh': { text: 'echo system\n' },
  'ami/base/files/etc/a.conf': { text: 'x'.repeat(513) },
  'ami/bake.sh': { text: 'echo bake\n', mode: 0o755 },
  'ami/versions.env': { text: '' },
  'ami/lib/bake.sh': { text: 'echo lib\n' },
  'ami/base.pkr.hcl': { text: 'packer' },
};

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

describe('the bundle of image scripts', () => {
  it('is what tar unpacks: names, contents, which may be run, nothing of Packer’s', () => {
    const { file } = bakeBundle(repositoryWith(FILES));
    const into = repositoryWith({});
    execFileSync('tar', ['--extract', '--gzip', '--file', file, '--directory', into]);
    const listed = execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--gzip', '--file', file], {
      encoding: 'utf8',
    });

    expect(listed.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^-rwxr-xr-x 0\/0 +10 2000-01-01 .* bake\.sh$/),
      expect.stringMatching(/^-rw-r--r-- .* base\/files\/etc\/a\.conf$/),
      expect.stringMatching(/base\/scripts\/10-system\.sh$/),
      expect.stringMatching(/lib\/bake\.sh$/),
      expect.stringMatching(/^-rw-r--r-- 0\/0 +0 .* versions\.env$/),
    ]);
    expect(readFileSync(join(into, 'base/files/etc/a.conf'), 'utf8')).toBe('x'.repeat(513));
  });

  it('has every script of every image, and what they source', () => {
    const { file } = bakeBundle();
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('\n');
    const wanted = IMAGES.flatMap((image) => scriptsOf(image)).map((script) => script.replace(/^ami\//, ''));

    expect(names).toEqual(expect.arrayContaining([...wanted, 'lib/bake.sh', 'versions.env', 'base/units.txt']));
  });

  it('has the checksum that it says', () => {
    const { file, sha256 } = bakeBundle(repositoryWith(FILES));

    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
  });

  it('is the same for the same tree, whenever and wherever it was written', () => {
    const [one, other] = [repositoryWith(FILES), repositoryWith(FILES)];
    utimesSync(join(other, 'ami/bake.sh'), 1, 1);
    chmodSync(join(other, 'ami/bake.sh'), 0o700);
    chmodSync(join(other, 'ami/lib/bake.sh'), 0o660);
    linkSync(join(other, 'ami/lib/bake.sh'), join(other, 'another name of the same file'));

    expect(bakeBundle(one).sha256).toBe(bakeBundle(other).sha256);
  });

  it('is another one for another word', () => {
    const changed = { ...FILES, 'ami/lib/bake.sh': { text: 'echo LIB\n' } };

    expect(bakeBundle(repositoryWith(FILES)).sha256).not.toBe(bakeBundle(repositoryWith(changed)).sha256);
  });

  it('takes the agent along where it has been built', () => {
    const built = { ...FILES, 'agent/worker/dist/worker-agent': { text: 'ELF', mode: 0o755 } };
    const { file, hasAgent } = bakeBundle(repositoryWith(built));

    expect(hasAgent).toBe(true);
    expect(execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })).toContain('worker-agent/worker-agent\n');
    expect(bakeBundle(repositoryWith(FILES)).hasAgent).toBe(false);
  });

  it('carries a long path whole', () => {
    const name = `${'long/'.repeat(30)}name`;
    const { file } = bakeBundle(repositoryWith({ ...FILES, [`ami/base/${name}`]: { text: 'far' } }));

    expect(execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })).toContain(`base/${name}\n`);
  });
});
