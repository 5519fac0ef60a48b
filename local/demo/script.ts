import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { ServiceUnavailableError } from '#shared/errors.ts';
import {
  followExecution,
  formatElapsed,
  historyReader,
  type Io,
  main,
  paint,
  progressRenderer,
} from '../../cli/index.ts';
import type { Cloud } from '../cloud.ts';
import { Capture } from './capture.ts';
import { findTraces, virtualNodes } from './homelab.ts';
import { findLeftovers } from './leftovers.ts';

/** What the demo provisions: a cluster, and at the same time a worker that joins it once it stands. */
const WORKERS = [
  { name: 'lighthouse-1', role: 'lighthouse' },
  { name: 'gpu-worker-1', role: 'gpu-worker' },
] as const;

const Started = z.looseObject({ execution: z.string(), name: z.string() });

const failed = (what: string, got: string): ServiceUnavailableError =>
  new ServiceUnavailableError({ what, got, remedy: 'read the logs; they are kept below .carrierarr/clouds' });

/** Runs one command line of the command itself. */
const command = async (io: Io, ...argv: readonly string[]): Promise<void> => {
  io.out.write(`${paint(io.out, 'dim', `$ carrierarr ${argv.join(' ')}`)}\n`);
  const code = await main(argv, io);
  if (code !== 0) throw failed(`carrierarr ${argv[0]} failed`, `exit ${code}`);
};

/** Asks for a worker and returns its execution, without waiting for it. */
const ask = async (io: Io, worker: (typeof WORKERS)[number]): Promise<string> => {
  const argv = ['provision', worker.name, '--role', worker.role, '--no-wait'];
  io.out.write(`${paint(io.out, 'dim', `$ carrierarr ${argv.join(' ')}`)}\n`);
  const out = new Capture();
  const code = await main([...argv, '--json'], { ...io, out });
  if (code !== 0) throw failed(`carrierarr provision ${worker.name} failed`, `exit ${code}`);
  return Started.parse(JSON.parse(out.text.split('\n')[0] ?? '')).execution;
};

/** Provisions both workers side by side and shows each phase as it comes and goes. */
export const provisionBoth = async (cloud: Cloud, io: Io): Promise<void> => {
  // In this order: a worker is refused for a cluster that nobody makes.
  const executions: string[] = [];
  for (const worker of WORKERS) executions.push(await ask(io, worker));
  const sfn = new SFNClient({
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const renderer = progressRenderer(io.out, 'lines');
  try {
    const ended = await Promise.all(
      WORKERS.map(async ({ name }, at) => {
        const progress = await followExecution(executions[at] ?? '', {
          readHistory: historyReader(sfn),
          intervalMilliseconds: io.pollMilliseconds,
          signal: io.interruption.signal,
          onProgress: (latest) => renderer.update([{ subject: name, progress: latest }], io.now()),
        });
        return { name, progress };
      }),
    );
    const bad = ended.find(({ progress }) => progress.status !== 'SUCCEEDED');
    if (bad !== undefined) throw failed(`provisioning ${bad.name} failed`, JSON.stringify(bad.progress.failure));
  } finally {
    renderer.finish();
    sfn.destroy();
  }
};

/** Names of the workers, in the order in which they are provisioned. */
export const workerNames: readonly string[] = WORKERS.map(({ name }) => name);

/** The fleet as the command shows it, and the cluster on EC2 as the homelab's cluster sees it. */
export const showFleet = async (cloud: Cloud, io: Io): Promise<void> => {
  await command(io, 'status');
  for (const line of await virtualNodes(cloud)) {
    io.out.write(`  ${paint(io.out, 'green', '✓')} in the homelab's cluster: virtual node ${line}\n`);
  }
};

export const showCertificate = (io: Io): Promise<void> => command(io, 'cert', 'show', WORKERS[1].name);

/** The worker first: it leaves a cluster that still stands. */
export const tearDownBoth = async (io: Io): Promise<void> => {
  for (const { name } of WORKERS.toReversed()) await command(io, 'teardown', name);
};

/** @throws ServiceUnavailableError if anything is left */
export const proveNothingLeft = async (cloud: Cloud, io: Io): Promise<void> => {
  const leftovers = await findLeftovers(cloud.endpoint, cloud.region, cloud.fleet);
  const workers = new Capture();
  await main(['status', '--json'], { ...io, out: workers });
  const { workers: rows } = z.object({ workers: z.array(z.unknown()) }).parse(JSON.parse(workers.text));
  const all = [
    ...leftovers,
    ...(await findTraces(cloud)),
    { kind: 'workers and addresses in the registry', ids: rows.map((row) => JSON.stringify(row)) },
  ];
  for (const { kind, ids } of all) {
    const mark = ids.length === 0 ? paint(io.out, 'green', '✓') : paint(io.out, 'red', '✗');
    io.out.write(`  ${mark} ${kind}: ${ids.length === 0 ? 'none' : ids.join(', ')}\n`);
  }
  const left = all.filter(({ ids }) => ids.length > 0);
  if (left.length > 0) throw failed('something is left after the teardown', left.map(({ kind }) => kind).join(', '));
};

/** The line of a timing table. */
export const timingLine = (what: string, milliseconds: number): string =>
  `  ${what.padEnd(50)}${formatElapsed(milliseconds).padStart(8)}\n`;
