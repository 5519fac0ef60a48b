import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bakeBundle } from '../../../lib/images/bake-bundle.ts';
import { buildComponent } from '../../../lib/images/build-component.ts';
import { scriptsOf, unitsOf } from '../../../lib/images/script-list.ts';

let machine = '';
beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'build-machine-'));
});
afterEach(() => rmSync(machine, { recursive: true }));

/** Runs one step of the component as Image Builder does, in a folder instead of /opt/carrierarr. */
const run = (bundleSha256: string) => {
  const { file } = bakeBundle();
  copyFileSync(file, join(machine, 'bake.tar.gz'));
  const { phases } = buildComponent({
    image: 'base',
    scripts: scriptsOf('base'),
    units: unitsOf('base'),
    bundleUri: 's3://bucket/key.gz',
    bundleSha256,
    environment: {},
  });
  const step = phases[0].steps.find(({ name }) => name === 'UnpackTree');
  const commands = step?.action === 'ExecuteBash' ? step.inputs.commands : [];
  const script = commands.join('\n').replaceAll('/opt/carrierarr', machine);
  return spawnSync('bash', ['-c', script], { encoding: 'utf8' });
};

describe('the step that unpacks the tree', () => {
  it('leaves the tree where every script looks for it, and no archive', () => {
    expect(run(bakeBundle().sha256)).toMatchObject({ status: 0, stderr: '' });

    for (const script of scriptsOf('gpu-worker')) {
      expect(readFileSync(join(machine, 'bake', script.replace(/^ami\//, '')))).toEqual(readFileSync(script));
    }
    expect(existsSync(join(machine, 'bake.tar.gz'))).toBe(false);
  });

  it('unpacks nothing of an archive that is another one', () => {
    const { status, stderr } = run('0'.repeat(64));

    expect(status).not.toBe(0);
    expect(stderr).toContain('did NOT match');
    expect(existsSync(join(machine, 'bake'))).toBe(false);
  });
});
