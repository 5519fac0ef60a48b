import {
  HANDOVER_PURPOSES,
  handoverSecretName,
  type OperationInput,
  type OperationOutput,
  secretName,
  TAG,
} from '#contract';
import { type Instance, LIVE_STATES } from '#shared/aws/ec2-port.ts';
import { ProofFailedError } from '#shared/errors.ts';
import type { SweepPorts } from './ports.ts';
import { instancesByName, lifeTags, mayBelong } from './select-instances.ts';

/** From its first look on, for what EC2 shows late and what is still being taken down. */
const LIMIT_SECONDS = 120;

type ProofPorts = Pick<SweepPorts, 'ec2' | 'secrets' | 'clock' | 'log' | 'settings'>;
type ProofInput = OperationInput<'sweep', 'prove'>;

/** One kind of thing that was looked for, and what was found of it. */
interface Check {
  readonly checked: string;
  readonly leftovers: readonly string[];
}

const isPresent = (instance: Instance): boolean => instance.state !== 'terminated';
const describeInstance = ({ instanceId, state }: Instance): string => `instance ${instanceId} (${state})`;

const checkVolumes = async ({ ec2, settings }: ProofPorts, input: ProofInput): Promise<Check> => {
  const tags = lifeTags(settings.fleet, input);
  const volumes = await ec2.volumes(tags);
  return {
    checked: `volumes tagged ${TAG.worker}=${input.name}`,
    leftovers: volumes.map((volume) => `volume ${volume.volumeId} (${volume.state})`),
  };
};

const checkInterfaces = async ({ ec2 }: ProofPorts, instanceIds: readonly string[]): Promise<Check> => {
  const interfaces = await ec2.interfacesOf(instanceIds);
  return {
    checked: `network interfaces of ${instanceIds.join(', ') || 'no known instance'}`,
    leftovers: interfaces.map((entry) => `network interface ${entry.interfaceId} of ${entry.instanceId}`),
  };
};

const checkSpotRequests = async ({ ec2 }: ProofPorts, instanceIds: readonly string[]): Promise<Check> => {
  const requests = await ec2.spotRequestsOf(instanceIds);
  const open = requests.filter((request) => request.state === 'open' || request.state === 'active');
  return {
    checked: `Spot requests of ${instanceIds.join(', ') || 'no known instance'}`,
    leftovers: open.map((request) => `Spot request ${request.requestId} (${request.state})`),
  };
};

const secretNames = (prefix: string, worker: string): readonly string[] => [
  secretName(prefix, worker),
  ...HANDOVER_PURPOSES.map((purpose) => handoverSecretName(prefix, worker, purpose)),
];

const checkSecret = async ({ secrets, settings }: ProofPorts, input: ProofInput, name: string): Promise<Check> => {
  const secret = await secrets.describe(name);
  // A secret without our fleet's tag was made by somebody else, for instance by hand from the old runbook.
  const ours = secret !== undefined && secret.tags[TAG.fleet] !== undefined;
  const left = ours && !secret.deleted && mayBelong(secret.tags, settings.fleet, input);
  return { checked: `secret ${name}`, leftovers: left ? [`secret ${name}`] : [] };
};

const lookEverywhere = async (ports: ProofPorts, input: ProofInput): Promise<Check[]> => {
  const { ec2, settings } = ports;
  const [tagged, named] = await Promise.all([
    ec2.instances({ tags: lifeTags(settings.fleet, input) }),
    instancesByName(ec2, settings.fleet, input),
  ]);
  await endLatecomers(ports, tagged);
  const known = new Set([...tagged, ...named].map((instance) => instance.instanceId));
  if (input.instanceId !== '') known.add(input.instanceId);
  const untagged = named.filter((instance) => !tagged.some((other) => other.instanceId === instance.instanceId));
  return [
    {
      checked: `instances tagged ${TAG.worker}=${input.name}`,
      leftovers: tagged.filter(isPresent).map(describeInstance),
    },
    { checked: `instances named after ${input.name}`, leftovers: untagged.filter(isPresent).map(describeInstance) },
    ...(await Promise.all([
      checkVolumes(ports, input),
      checkInterfaces(ports, [...known]),
      checkSpotRequests(ports, [...known]),
      ...secretNames(settings.secretPrefix, input.name).map((name) => checkSecret(ports, input, name)),
    ])),
  ];
};

/**
 * A launch call that was in flight when the fence fell may have made an instance after the terminate step, and its
 * function may have died before it could undo that. Only what carries the tags of this life is ended.
 */
const endLatecomers = async ({ ec2, log }: ProofPorts, tagged: readonly Instance[]): Promise<void> => {
  const live = tagged.filter((instance) => LIVE_STATES.includes(instance.state)).map(({ instanceId }) => instanceId);
  if (live.length === 0) return;
  log.warn('ending what appeared after the terminate step', { instanceIds: live });
  await ec2.terminate(live);
};

/**
 * The last word of a teardown: asks EC2 and Secrets Manager, not the registry, whether anything of this life is left.
 * Tag search across services (`tag:GetResources`) would not do: it also lists what is gone.
 * @returns `clean: false` to be asked again
 * @throws ProofFailedError when something stays
 */
export const proveRemoval = async (
  ports: ProofPorts,
  input: ProofInput,
): Promise<OperationOutput<'sweep', 'prove'>> => {
  const now = ports.clock.now().getTime();
  if (now < input.proveAfter) return { clean: false, checked: [], leftovers: [] };
  const checks = await lookEverywhere(ports, input);
  const checked = checks.map((check) => check.checked);
  const leftovers = checks.flatMap((check) => check.leftovers);
  const looksFrom = Math.max(input.since, input.proveAfter);
  if (leftovers.length === 0 || now - looksFrom <= LIMIT_SECONDS * 1000) {
    return { clean: leftovers.length === 0, checked, leftovers };
  }
  throw new ProofFailedError({
    what: `worker ${input.name} has left something behind`,
    got: leftovers.join(', '),
    allowed: `nothing, looked for: ${checked.join('; ')}`,
    remedy:
      'remove what is named by hand if it is not yours to keep, then tear the worker down again; the sweep tries every 15 minutes',
  });
};
