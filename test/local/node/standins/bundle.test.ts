import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { bundleClusterStandIns } from '../../../../local/node/standins/cluster/bundle.ts';

it('programs that are written again are whole for whoever is about to start them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await bundleClusterStandIns(folder);
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  const program = join(folder, 'kubectl.mjs');
  const starting = openSync(program, 'r');
  onTestFinished(() => closeSync(starting));
  const before = statSync(program).ino;

  await bundleClusterStandIns(folder);

  expect(statSync(program).ino).not.toBe(before);
  expect(readFileSync(starting, 'utf8')).toBe(readFileSync(program, 'utf8'));
  expect(readdirSync(folder, { recursive: true }).map(String).sort()).toEqual(files);
});
