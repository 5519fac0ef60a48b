import { CommandError, EXIT, type Io, paint } from '../cli/index.ts';
import { type Cloud, startCloud } from './cloud.ts';
import type { LocalOptions } from './commands.ts';
import { demoIo } from './demo/capture.ts';
import { showPage } from './demo/page.ts';
import * as script from './demo/script.ts';
import type { RemovedResource } from './deploy/template.ts';
import { Interrupted, type SignalWatch, watchSignals } from './interruption.ts';
import { StagePrinter } from './stage-printer.ts';
import type { StageTiming } from './stages.ts';

const heading = (io: Io, text: string): void => io.out.write(`\n${paint(io.out, 'bold', text)}\n`);

const leftOut = (removed: readonly RemovedResource[]): string => {
  const reasons = new Map<string, { type: string; reason: string; count: number }>();
  for (const { type, reason } of removed) {
    const entry = reasons.get(type) ?? { type, reason, count: 0 };
    reasons.set(type, { ...entry, count: entry.count + 1 });
  }
  return [...reasons.values()].map(({ type, reason, count }) => `    ${count} × ${type}: ${reason}\n`).join('');
};

/** The demo's own acts, timed. */
class Acts {
  readonly timings: StageTiming[] = [];
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
  }

  async play<T>(title: string, work: () => Promise<T>): Promise<T> {
    heading(this.#io, title);
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.timings.push({ stage: title, milliseconds: performance.now() - start });
    }
  }
}

/** Whoever watches need not wait as long between two looks as a cloud that is paid by the call. */
const WAIT_SCALE = 0.5;

const bringUp = async (io: Io, nodes: LocalOptions['nodes'], watch: SignalWatch): Promise<Cloud> => {
  const printer = new StagePrinter(io.out);
  try {
    const cloud = await startCloud({
      name: `demo-${process.pid}`,
      ...(nodes !== undefined && { nodes }),
      signal: watch.signal,
      waitScale: WAIT_SCALE,
      onStage: printer.show,
    });
    printer.finish();
    io.out.write(`  nodes: ${cloud.nodes.kind} (${cloud.nodes.reason})\n`);
    io.out.write(`  left out of the templates here:\n${leftOut(cloud.removed)}`);
    if (cloud.page !== undefined) io.out.write(`\n  Watch it all at ${paint(io.out, 'bold', `${cloud.page}/`)}\n`);
    return cloud;
  } finally {
    printer.finish();
  }
};

/** Makes this process see the embedded cloud and nothing of the user's own AWS. Returns how to undo that. */
const enter = (cloud: Cloud): (() => void) => {
  const before = { ...process.env };
  for (const key of Object.keys(process.env)) if (key.startsWith('AWS_')) delete process.env[key];
  Object.assign(process.env, cloud.environment);
  return () => {
    for (const key of Object.keys(process.env)) if (!(key in before)) delete process.env[key];
    Object.assign(process.env, before);
  };
};

/** Lets whoever watches look round for as long as they like. @throws the signal's reason when interrupted */
const linger = async (page: string | undefined, io: Io, signal: AbortSignal): Promise<void> => {
  if (io.ask === undefined) {
    io.out.write('  --stay: there is no terminal to wait at, so it goes on\n');
    return;
  }
  const interrupted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const question = `  Look round${page === undefined ? '' : ` at ${page}/`}. Enter takes it all down, Ctrl-C too. `;
  await Promise.race([io.ask(question), interrupted]);
  // A question that nobody answers any more must not keep the process.
  process.stdin.unref();
  signal.throwIfAborted();
};

const perform = async (cloud: Cloud, acts: Acts, io: Io, stay: () => Promise<void>): Promise<void> => {
  const leave = enter(cloud);
  try {
    await acts.play('A lighthouse opens a cluster and peers it with the homelab; a GPU worker joins it', () =>
      script.provisionBoth(cloud, io),
    );
    await acts.play('The fleet: two clusters, peered', () => script.showFleet(cloud, io));
    await acts.play('What their agents tell the control plane', () => showPage(cloud.page, io, script.workerNames));
    await acts.play('A certificate', () => script.showCertificate(io));
    await stay();
    await acts.play('Teardown: unpeer, drain, terminate, prove', () => script.tearDownBoth(io));
    await acts.play('Is anything left?', () => script.proveNothingLeft(cloud, io));
  } finally {
    leave();
  }
};

const summary = (io: Io, acts: Acts, cloud: Cloud, start: number): void => {
  heading(io, 'Times');
  for (const { stage, milliseconds } of cloud.timings) io.out.write(script.timingLine(`  ${stage}`, milliseconds));
  for (const { stage, milliseconds } of acts.timings) io.out.write(script.timingLine(stage, milliseconds));
  io.out.write(script.timingLine('everything', performance.now() - start));
  if (cloud.page === undefined) return;
  io.out.write(
    `\n  The page was at ${paint(io.out, 'bold', `${cloud.page}/`)}, which went with the cloud. To keep one open:\n` +
      '    npm run demo -- --stay     the same, and it waits for you before the teardown\n' +
      '    carrierarr local up        a cloud in the background; prints its page\n',
  );
};

const interruptedError = (): CommandError =>
  new CommandError(EXIT.interrupted, {
    what: 'interrupted; everything begun was ended',
    remedy: 'run it again when you like',
  });

export interface DemoOptions extends Pick<LocalOptions, 'nodes'> {
  /** Whether to wait for somebody before the teardown. */
  readonly stay?: boolean;
}

/** `carrierarr local demo`. @throws CommandError, also when interrupted, after everything started was ended */
export const demo = async ({ nodes, stay = false }: DemoOptions, io: Io): Promise<void> => {
  const start = performance.now();
  const watch = watchSignals();
  const acts = new Acts(io);
  let cloud: Cloud | undefined;
  try {
    const up = await acts.play('An embedded cloud with the fleet deployed in it', () => bringUp(io, nodes, watch));
    cloud = up;
    await perform(up, acts, demoIo(io, { ...process.env, ...up.environment }, watch.signal), async () => {
      if (stay) await acts.play('Staying', () => linger(up.page, io, watch.signal));
    });
    watch.signal.throwIfAborted();
    await acts.play('The end', async () => {
      await up.stop();
      io.out.write(
        `  ${paint(io.out, 'green', '✓')} every process, node and port is gone, and ${up.directory} with them\n`,
      );
    });
    summary(io, acts, up, start);
  } catch (error) {
    await cloud?.stop({ keepLogs: !watch.signal.aborted });
    throw watch.signal.aborted || error instanceof Interrupted ? interruptedError() : error;
  } finally {
    watch.release();
  }
};
