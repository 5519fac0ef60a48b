import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { scriptsOf, unitsOf } from '../../../lib/images/script-list.ts';

const roots: string[] = [];

/** A repository that holds nothing but these files. */
const repositoryWith = (...files: string[]): string => {
  const root = mkdtempSync(join(tmpdir(), 'script-list-'));
  roots.push(root);
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  return root;
};

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

describe('scripts of an image', () => {
  const ROOT_FILES = [
    'ami/base/scripts/95-validate.sh',
    'ami/base/scripts/20-nebula.sh',
    'ami/base/scripts/10-system.sh',
    'ami/base/scripts/90-cleanup.sh',
    'ami/base/scripts/README.md',
    'ami/gpu-worker/scripts/50-k3s.sh',
    'ami/gpu-worker/scripts/40-nvidia.sh',
  ];

  it('are base’s, its own, then cleaning and validation, each by number', () => {
    expect(scriptsOf('gpu-worker', repositoryWith(...ROOT_FILES))).toEqual([
      'ami/base/scripts/10-system.sh',
      'ami/base/scripts/20-nebula.sh',
      'ami/gpu-worker/scripts/40-nvidia.sh',
      'ami/gpu-worker/scripts/50-k3s.sh',
      'ami/base/scripts/90-cleanup.sh',
      'ami/base/scripts/95-validate.sh',
    ]);
  });

  it('of base are base’s once', () => {
    expect(scriptsOf('base', repositoryWith(...ROOT_FILES))).toEqual([
      'ami/base/scripts/10-system.sh',
      'ami/base/scripts/20-nebula.sh',
      'ami/base/scripts/90-cleanup.sh',
      'ami/base/scripts/95-validate.sh',
    ]);
  });

  it.each(['validate.sh', '5-late.sh', '05-early.sh', '10-Upper.sh'])(
    'refuse %s, which would be left out in silence',
    (name) => {
      expect(() => scriptsOf('base', repositoryWith(`ami/base/scripts/${name}`))).toThrow(name);
    },
  );
});

describe('units of an image', () => {
  it('are base’s and its own, comments aside', () => {
    const root = repositoryWith('ami/base/units.txt', 'ami/gpu-worker/units.txt');
    writeFileSync(join(root, 'ami/base/units.txt'), '# who starts\ncarrierarr-boot.service # early\n\n');
    writeFileSync(join(root, 'ami/gpu-worker/units.txt'), 'nvidia-persistenced.service\n');

    expect(unitsOf('gpu-worker', root)).toEqual(['carrierarr-boot.service', 'nvidia-persistenced.service']);
    expect(unitsOf('lighthouse', root)).toEqual(['carrierarr-boot.service']);
    expect(unitsOf('base', root)).toEqual(['carrierarr-boot.service']);
  });
});
