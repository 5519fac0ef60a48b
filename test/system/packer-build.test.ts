import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Image } from '#contract';
import { readManifest } from '../../cli/ami/manifest.ts';
import { scriptsOf } from '../../lib/images/script-list.ts';
import { Templates } from './support/packer.ts';
import { BuildCell, buildObstacle } from './support/packer-cell.ts';

const obstacle = buildObstacle();
if (obstacle !== undefined) console.warn(`SKIPPED: no build of an image is run, ${obstacle}`);

const AMI = 'ami-0123456789abcdef0';
const TREE = ['base', 'lighthouse', 'gpu-worker', 'lib', 'versions.env', 'bake.sh'];

/** Every file with its rights. */
const filesIn = (folder: string, parts: readonly string[]): string[] =>
  execFileSync('find', [...parts, '-type', 'f', '-printf', '%m %p\n'], { cwd: folder, encoding: 'utf8' })
    .trimEnd()
    .split('\n')
    .toSorted();

// The real Packer with its real provisioners; in place of EC2 a machine that is this one's files under an overlay.
describe.skipIf(obstacle !== undefined)('a build by Packer', () => {
  let cell: BuildCell;
  let templates: Templates;
  beforeEach(async () => {
    templates = new Templates({ old: true });
    cell = await BuildCell.start();
  });
  afterEach(async () => {
    templates[Symbol.dispose]();
    await cell.end();
  });

  it('brings the tree as it is, runs every script in order, as root, with the versions asked for, and says what it made', async () => {
    const read = (name: string) => JSON.parse(readFileSync(join(templates.folder, name), 'utf8'));
    // The builder here makes no AMI, so the one that EC2's would name is put into Packer's word.
    const publishable = (image: Image) => {
      templates.change(`manifest-${image}.json`, (text) => text.replace('"Null"', `"us-east-1:${AMI}"`));
      return readManifest(join(templates.folder, `manifest-${image}.json`), 'us-west-2');
    };
    templates.buildAgent('../agent/worker/dist');

    const { status, output } = cell.build(templates, 'lighthouse');

    expect(output).not.toMatch(/error/i);
    expect(status).toBe(0);
    expect(cell.record).toEqual([
      'cloud-init status --wait',
      ...scriptsOf('lighthouse').map(
        (script) =>
          `${script.slice('ami/'.length)} 0 lighthouse /opt/carrierarr/bake 1.9.0 v1.31.2+k3s1 550 latest kmod= agent=`,
      ),
    ]);
    expect(filesIn(cell.written('/opt/carrierarr/bake'), [...TREE, 'worker-agent'])).toEqual(
      [...filesIn(templates.folder, TREE), '755 worker-agent/worker-agent'].toSorted(),
    );
    expect(read('image-lighthouse.json')).toEqual({ image: 'lighthouse' });
    expect(await publishable('lighthouse')).toEqual({ id: AMI, region: 'us-east-1', image: 'lighthouse' });
  });

  it('stops at the first script that fails, and makes nothing', () => {
    const { status, output } = cell.build(templates, 'base', 'base/scripts/20-files.sh');

    expect(status).not.toBe(0);
    expect(output).toMatch(/exit status: 3/);
    expect(cell.record.at(-1)).toMatch(/^base\/scripts\/20-files\.sh /);
    expect(existsSync(join(templates.folder, 'manifest-base.json'))).toBe(false);
  });
});
