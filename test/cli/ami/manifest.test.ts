import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../../cli/ami/manifest.ts';

const directory = mkdtempSync(join(tmpdir(), 'carrierarr-manifest-'));
const file = join(directory, 'manifest-gpu-worker.json');
afterAll(() => rmSync(directory, { recursive: true }));

const write = (content: unknown): void =>
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));

const build = (artifact: string, run: string, image: string | null = 'gpu-worker') => ({
  name: 'gpu-worker',
  builder_type: 'amazon-ebs',
  artifact_id: artifact,
  packer_run_uuid: run,
  custom_data: image === null ? null : { image },
});

describe("Packer's manifest", () => {
  it('tells the image of the last run, whatever came before', async () => {
    const builds = [build('us-east-1:ami-00000000a', 'one'), build('us-east-1:ami-00000000b', 'two')];
    write({ builds, last_run_uuid: 'two' });

    expect(await readManifest(file, 'us-west-2')).toEqual({
      id: 'ami-00000000b',
      region: 'us-east-1',
      image: 'gpu-worker',
    });
  });

  it('prefers the region of the fleet where the image is in several', async () => {
    write({ builds: [build('us-east-1:ami-00000000a,us-west-2:ami-00000000b', 'one')], last_run_uuid: 'one' });

    expect(await readManifest(file, 'us-west-2')).toMatchObject({ id: 'ami-00000000b', region: 'us-west-2' });
  });

  it('needs no role in it', async () => {
    write({ builds: [build('us-gov-east-1:ami-00000000a', 'one', null)], last_run_uuid: 'one' });

    expect(await readManifest(file, 'us-west-2')).toEqual({
      id: 'ami-00000000a',
      region: 'us-gov-east-1',
      image: undefined,
    });
  });

  it.each([
    ['no JSON', '{'],
    ['no builds', { builds: [] }],
    ['an artifact of another kind', { builds: [build('docker:sha256', 'one')] }],
    ['an image there is not', { builds: [build('us-east-1:ami-00000000a', 'one', 'windows')] }],
  ])('is refused where it has %s', async (_, content) => {
    write(content);

    await expect(readManifest(file, 'us-west-2')).rejects.toMatchObject({
      exitCode: 2,
      facts: { what: `${file} is no manifest of Packer`, remedy: expect.stringContaining('npm run ami:') },
    });
  });

  it('is refused where there is none', async () => {
    await expect(readManifest(join(directory, 'none.json'), 'us-west-2')).rejects.toMatchObject({
      exitCode: 2,
      facts: { got: expect.stringContaining('ENOENT') },
    });
  });
});
