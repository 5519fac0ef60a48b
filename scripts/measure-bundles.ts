import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildBundles } from '../lib/bundling.ts';
import { parseConfig, toFleetSettings } from '../lib/config.ts';
import type { FunctionName } from '../lib/entry-points.ts';

/**
 * Size and import time of each Lambda bundle against their limits, in fresh processes of the Node that runs this.
 * The least time counts: other work on the machine only ever adds to it. Usage: node scripts/measure-bundles.ts [runs]
 */
const LIMIT_BYTES = 1_000_000;
const limitMilliseconds = (name: FunctionName): number => (name === 'launch' ? 300 : 200);
const runs = Number(process.argv[2] ?? 15);

const arn = (name: string): string => `arn:aws:states:us-west-2:111122223333:stateMachine:${name}`;
const environment = {
  PATH: process.env.PATH,
  AWS_REGION: 'us-west-2',
  FLEET: 'carrierarr',
  FLEET_SETTINGS: JSON.stringify(toFleetSettings(parseConfig(), ['subnet-1'])),
  REGISTRY_TABLE: 'registry',
  EVENT_BUS: 'bus',
  SIGNER: JSON.stringify({ kind: 'kms', keyArn: 'arn:aws:kms:us-west-2:111122223333:key/1' }),
  CA_CERTIFICATE: '',
  AGENT_KEY_SECRET: '',
  SWEEP_STATE_MACHINE: arn('sweep'),
  MANAGED_INSTANCE_ARN: 'arn:aws:ssm:us-west-2:111122223333:managed-instance/',
  LAUNCH_TEMPLATES: JSON.stringify({ lighthouse: 'lt-1', 'gpu-worker': 'lt-2' }),
  PROVISION_STATE_MACHINE: arn('provision'),
  TEARDOWN_STATE_MACHINE: arn('teardown'),
};

/** Milliseconds from before the import until the handler is there, as the process itself sees it. */
const importOnce = (file: string): number => {
  const script = `const t=performance.now();const m=await import(${JSON.stringify(pathToFileURL(file))});if(typeof m.handler!=='function')throw new Error('no handler');console.log(performance.now()-t)`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: environment }));
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const report = (name: FunctionName, bytes: number, times: readonly number[]): boolean => {
  const [middle, least] = [median(times), Math.min(...times)];
  const fits = bytes <= LIMIT_BYTES && least <= limitMilliseconds(name);
  const cells = [
    name.padEnd(13),
    `${(bytes / 1024).toFixed(0)} KiB`.padStart(8),
    `${middle.toFixed(0)} ms median`.padStart(14),
    `${least.toFixed(0)} ms least`.padStart(12),
    fits ? 'ok' : `OVER ${LIMIT_BYTES / 1000} kB or ${limitMilliseconds(name)} ms`,
  ];
  console.log(cells.join('  '));
  return fits;
};

/** In rounds over all bundles, so that a busy minute does not fall on one of them alone. */
const measure = async (directory: string): Promise<boolean> => {
  const bundles = [...(await buildBundles())].map(([name, contents]) => {
    const file = join(directory, `${name}.mjs`);
    writeFileSync(file, contents);
    return { name, file, bytes: contents.byteLength, times: [] as number[] };
  });
  for (let run = 0; run < runs; run += 1) for (const { file, times } of bundles) times.push(importOnce(file));
  return bundles.map(({ name, bytes, times }) => report(name, bytes, times)).every(Boolean);
};

const directory = mkdtempSync(join(tmpdir(), 'carrierarr-bundles-'));
try {
  console.log(`Node ${process.version}, ${runs} fresh processes each`);
  process.exitCode = (await measure(directory)) ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
