import type { Command } from 'commander';
import type { TeardownAnswer } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import { type Ended, followAll } from '../follow.ts';
import type { Io } from '../io.ts';
import type { ExecutionProgress } from '../progress/fold-history.ts';
import { formatElapsed } from '../render/duration.ts';
import { failureOf, isGone, tookMilliseconds } from '../render/outcome.ts';
import { paint } from '../render/output.ts';
import { readWorkerNames } from '../worker-name.ts';

interface TeardownOptions {
  readonly all?: boolean;
  readonly deregisterAmi?: boolean;
  readonly yes?: boolean;
  readonly wait: boolean;
}

const usage = (what: string, remedy: string): CommandError => new CommandError(EXIT.usage, { what, remedy });

const everyWorker = async (fleet: Fleet, options: TeardownOptions, json: boolean, io: Io): Promise<string[]> => {
  const names = (await fleet.api.workers()).map(({ name }) => name);
  if (names.length === 0) {
    if (!json) io.out.write('There is no worker.\n');
    return [];
  }
  if (options.yes) return names;
  if (io.ask === undefined) {
    throw usage(`--all takes down ${names.join(', ')}, and nobody can be asked`, 'add --yes, or name the workers');
  }
  const answer = await io.ask(
    `Tear down ${names.length} worker${names.length === 1 ? '' : 's'} (${names.join(', ')})? [y/N] `,
  );
  if (!/^y(es)?$/i.test(answer.trim())) throw usage('not confirmed, nothing was done', 'answer y, or add --yes');
  return names;
};

/** What the proof looked at, from the answer of the last state that proves. */
const proofOf = ({ phases }: ExecutionProgress): { checked: string[]; leftovers: string[] } | undefined => {
  const output = phases.findLast(({ id }) => id === 'proof')?.outputs.at(-1);
  if (output === undefined) return undefined;
  const list = (key: string): string[] => {
    const value = field(output, key);
    return Array.isArray(value) ? value.map(String) : [];
  };
  return { checked: list('checked'), leftovers: list('leftovers') };
};

/** Done, whoever did it: a roll-back's execution fails for another reason although everything is gone. */
const succeeded = ({ status, phases }: ExecutionProgress): boolean => status === 'SUCCEEDED' || isGone(phases);

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

/** Steps whose errors did not keep the teardown from going on. */
const skippedOf = ({ output }: ExecutionProgress): string[] => {
  const skipped = field(output, 'skipped');
  return Array.isArray(skipped) ? skipped.map((one) => `${field(one, 'step')}: ${field(one, 'error')}`) : [];
};

/** Another teardown that holds the worker; this one has left the work to it. */
const holderOf = ({ output }: ExecutionProgress): string | undefined => {
  const holder = field(output, 'holder');
  return field(output, 'outcome') === 'busy' && typeof holder === 'string' ? holder : undefined;
};

const follow = async (started: readonly TeardownAnswer[], fleet: Fleet, io: Io, json: boolean): Promise<Ended[]> => {
  const subjects = started.map(({ name, execution }) => ({ subject: name, execution }));
  const ended = await followAll(subjects, fleet, io, json);
  const passedOn = ended.flatMap(({ subject, progress }) => {
    const execution = holderOf(progress);
    return execution === undefined ? [] : [{ subject, execution }];
  });
  if (passedOn.length === 0) return ended;
  const others = await followAll(passedOn, fleet, io, json);
  return [...ended.filter(({ progress }) => holderOf(progress) === undefined), ...others];
};

const conclude = (io: Io, { subject, execution, progress }: Ended, json: boolean): void => {
  const took = tookMilliseconds(progress);
  const proof = proofOf(progress);
  const skipped = skippedOf(progress);
  if (json) {
    const { status, failure } = progress;
    const result = {
      event: 'result',
      name: subject,
      execution,
      status,
      elapsedSeconds: took / 1000,
      proof,
      skipped,
      failure,
    };
    io.out.write(`${JSON.stringify(result)}\n`);
  } else if (succeeded(progress)) {
    const checked = proof?.checked ?? [];
    const proven = checked.length === 0 ? '' : '; looked for and found none of:';
    io.out.write(`${paint(io.out, 'green', 'gone')} ${subject} (${formatElapsed(took)})${proven}\n`);
    for (const one of checked) io.out.write(`  ${one}\n`);
    for (const step of skipped) io.out.write(`  on the way, without harm to the proof: ${step}\n`);
  }
};

const start = async (fleet: Fleet, names: readonly string[], deregisterAmi: boolean) => {
  const outcomes = await Promise.allSettled(names.map((name) => fleet.api.teardown(name, deregisterAmi)));
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  return { started, refused };
};

const announce = (io: Io, started: readonly TeardownAnswer[], wait: boolean, json: boolean): void => {
  for (const { name, generation, execution } of started) {
    if (json) io.out.write(`${JSON.stringify({ event: 'started', name, generation, execution })}\n`);
    else io.out.write(`Tearing down ${paint(io.out, 'bold', name)}\n`);
  }
  const [first] = started;
  if (!wait && !json && first !== undefined) io.out.write('follow it with: carrierarr status --watch\n');
};

const teardown = async (fleet: Fleet, names: readonly string[], options: TeardownOptions, json: boolean, io: Io) => {
  const { started, refused } = await start(fleet, names, options.deregisterAmi === true);
  announce(io, started, options.wait, json);
  if (options.wait) {
    io.interruption.notice = 'the teardown goes on by itself.\n  follow it: carrierarr status --watch';
    const ended = await follow(started, fleet, io, json);
    for (const one of ended) conclude(io, one, json);
    const failed = ended.filter(({ progress }) => !succeeded(progress));
    refused.push(...failed.map(({ subject, progress }) => failureOf(subject, progress, 'the teardown of')));
  }
  // The first decides the exit code; the others are told as well.
  for (const error of refused.slice(1))
    io.err.write(`also failed: ${error instanceof Error ? error.message : error}\n`);
  if (refused.length > 0) throw refused[0];
};

export const registerTeardown = (program: Command, io: Io): void => {
  program
    .command('teardown')
    .summary('remove workers and prove that nothing is left')
    .description(
      'Removes workers: certificate revoked, secret deleted, instance terminated, address released, and a proof that\n' +
        'nothing with their name is left. Safe to repeat.',
    )
    .argument('[names...]', 'names of the workers')
    .option('--all', 'every worker of the fleet')
    .option('--deregister-ami', 'also deregister the image they ran, unless something else uses it')
    .option('-y, --yes', 'do not ask before --all')
    .option('--no-wait', 'return once it has started')
    .addHelpText('after', '\nExamples:\n  $ carrierarr teardown gpu-worker-001\n  $ carrierarr teardown --all --yes')
    .action(async (names: string[], options: TeardownOptions, command: Command) => {
      if (options.all === true && names.length > 0) throw usage('names and --all together', 'give one or the other');
      if (options.all !== true && names.length === 0) throw usage('no worker named', 'name the workers, or say --all');
      await readWorkerNames(names);
      const fleet = await openFleet(command, io);
      const json = wantsJson(command);
      const chosen = options.all ? await everyWorker(fleet, options, json, io) : [...new Set(names)];
      await teardown(fleet, chosen, options, json, io);
    });
};
