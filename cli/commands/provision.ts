import type { Command } from 'commander';
import type { ProvisionAnswer, ProvisionRequest } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import { followAll } from '../follow.ts';
import type { Io } from '../io.ts';
import type { ExecutionProgress } from '../progress/fold-history.ts';
import { formatElapsed } from '../render/duration.ts';
import { failureOf, tookMilliseconds } from '../render/outcome.ts';
import { paint } from '../render/output.ts';

interface ProvisionOptions {
  readonly workerName?: string;
  readonly role?: string;
  readonly nebulaIp?: string;
  readonly instanceType?: string;
  readonly amiId?: string;
  readonly market?: string;
  readonly cluster?: string;
  readonly fallback: boolean;
  readonly wait: boolean;
}

const DEFAULT_ROLE = 'gpu-worker';
const BASE_36 = 36;
const SUFFIX_LENGTH = 5;

/** A name of our own making where none is given: the request can then be repeated without a second worker. */
const inventName = (role: string): string => {
  const random = crypto.getRandomValues(new Uint8Array(SUFFIX_LENGTH));
  return `${role}-${Array.from(random, (byte) => (byte % BASE_36).toString(BASE_36)).join('')}`;
};

/** @throws InputError naming every bad field */
const readRequest = async (argument: string | undefined, options: ProvisionOptions): Promise<ProvisionRequest> => {
  if (argument !== undefined && options.workerName !== undefined && argument !== options.workerName) {
    throw new CommandError(EXIT.usage, {
      what: 'two different names',
      got: `${argument} and --worker-name ${options.workerName}`,
      remedy: 'give the name once',
    });
  }
  const [contract, { parseInput }] = await Promise.all([import('#contract'), import('#shared/input.ts')]);
  const { nebulaIp, instanceType, amiId, market, cluster } = options;
  const name = argument ?? options.workerName;
  const role = options.role ?? (name === undefined ? DEFAULT_ROLE : undefined);
  const given = {
    // A role that does not exist is one fault, not two.
    name: name ?? inventName(contract.Role.safeParse(role).success ? `${role}` : DEFAULT_ROLE),
    role,
    nebulaIp,
    instanceType,
    amiId,
    market,
    cluster,
    onDemandFallback: options.fallback ? undefined : false,
  };
  return parseInput(
    contract.ProvisionRequest,
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  );
};

const announce = (io: Io, answer: ProvisionAnswer & { created: boolean }, json: boolean): void => {
  const { name, address, generation, execution, created } = answer;
  if (json) {
    const { phase } = answer;
    io.out.write(`${JSON.stringify({ event: 'started', name, address, generation, execution, created, phase })}\n`);
    return;
  }
  const phase = answer.phase === 'READY' ? ' and is ready' : '';
  const head = `${paint(io.out, 'bold', name)} at ${address}`;
  io.out.write(created ? `Provisioning ${head}\n` : `${head} exists already with the same parameters${phase}\n`);
};

const conclude = (io: Io, answer: ProvisionAnswer, progress: ExecutionProgress, json: boolean): void => {
  const { name, address, generation, execution } = answer;
  const took = tookMilliseconds(progress);
  if (json) {
    const { status, failure } = progress;
    const result = {
      event: 'result',
      name,
      address,
      generation,
      execution,
      status,
      elapsedSeconds: took / 1000,
      failure,
    };
    io.out.write(`${JSON.stringify(result)}\n`);
  }
  if (progress.status !== 'SUCCEEDED') throw failureOf(name, progress, 'provisioning');
  if (!json)
    io.out.write(`${paint(io.out, 'green', 'ready')} ${name} is in the mesh at ${address} (${formatElapsed(took)})\n`);
};

const provision = async (fleet: Fleet, request: ProvisionRequest, wait: boolean, json: boolean, io: Io) => {
  io.interruption.notice =
    `${request.name} may be under way already.\n` +
    `  look:      carrierarr status ${request.name}\n  remove it: carrierarr teardown ${request.name}`;
  const answer = await fleet.api.provision(request);
  const { name, execution } = answer;
  announce(io, answer, json);
  // Its execution may have ended so long ago that its history is gone.
  if (!answer.created && answer.phase === 'READY') return;
  if (!wait) {
    if (!json) io.out.write(`follow it with: carrierarr status ${name} --watch\n`);
    return;
  }
  io.interruption.notice =
    `${name} goes on being provisioned and will cost money while it lives.\n` +
    `  follow it:  carrierarr status ${name} --watch\n  remove it:  carrierarr teardown ${name}`;
  const [ended] = await followAll([{ subject: name, execution }], fleet, io, json);
  if (ended !== undefined) conclude(io, answer, ended.progress, json);
};

export const registerProvision = (program: Command, io: Io): void => {
  program
    .command('provision')
    .summary('add a worker and wait until it is ready')
    .description(
      'Adds a worker: name and mesh address, certificate, secret, instance, boot, mesh, cluster. Everything has a default.\n' +
        'The same name with the same parameters is never provisioned twice. A failure rolls everything back.\n' +
        'A gpu-worker that has nothing to do for half an hour (agent.idleMinutes) is torn down again, with a warning before.',
    )
    .argument('[name]', 'name of the worker (default: <role>-<random>)')
    .option('--worker-name <name>', 'the same as [name]')
    .option('--role <role>', 'gpu-worker or lighthouse (default: gpu-worker)')
    .option('--nebula-ip <address>', 'mesh address, e.g. 10.100.2.7 (default: the next free one)')
    .option('--instance-type <type>', "EC2 instance type (default: the role's, in order of preference)")
    .option('--ami-id <ami>', "image (default: the role's newest)")
    .option('--cluster <name>', "cluster that a lighthouse opens and a gpu-worker joins (default: the fleet's)")
    .option('--market <market>', "spot or on-demand (default: the role's)")
    .option('--no-fallback', 'fail rather than fall back from Spot to on-demand')
    .option('--no-wait', 'return once it has started')
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr provision\n' +
        '  $ carrierarr provision gpu-worker-001 --nebula-ip 10.100.2.1 --instance-type g4dn.xlarge\n' +
        '  $ carrierarr provision --role lighthouse --market on-demand --no-wait',
    )
    .action(async (name: string | undefined, options: ProvisionOptions, command: Command) => {
      // Checked here before anything is asked of AWS; the API checks the same schema again.
      const request = await readRequest(name, options);
      await provision(await openFleet(command, io), request, options.wait, wantsJson(command), io);
    });
};
