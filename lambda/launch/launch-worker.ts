import { instanceNameTag, launchImageParameter, type OperationOutput, secretName, TAG } from '#contract';
import type { Instance } from '#shared/aws/ec2-port.ts';
import { adoptInstance, findRecorded } from './adopt-instance.ts';
import { awaitFacts } from './await-facts.ts';
import { choosePools } from './choose-pools.ts';
import type { LaunchInput, LaunchPorts } from './ports.ts';
import { recordLaunch } from './record-launch.ts';
import { requestCapacity } from './request-capacity.ts';
import { retryUntil } from './retry-until.ts';

/**
 * Seconds after the start by which each stage has begun its last try. The function has 60: what is cut short is taken
 * over by the next attempt, which finds the instance by its tags.
 */
const STAGE_LIMIT_SECONDS = { capacity: 30, facts: 48, binding: 55 };

const limit = (startedAt: Date, stage: keyof typeof STAGE_LIMIT_SECONDS): Date =>
  new Date(startedAt.getTime() + STAGE_LIMIT_SECONDS[stage] * 1000);

const tagsOf = (fleet: string, { worker, execution }: LaunchInput): Record<string, string> => ({
  [TAG.fleet]: fleet,
  [TAG.worker]: worker.name,
  [TAG.role]: worker.role,
  [TAG.execution]: execution,
  [TAG.generation]: worker.generation,
  Name: instanceNameTag(worker.name),
});

const requestInstances = async (ports: LaunchPorts, input: LaunchInput, attempt: number, until: Date) => {
  const { settings, ec2 } = ports;
  const { worker } = input;
  const pools = await choosePools(ec2, worker.instanceTypes, settings.network.subnetIds);
  return requestCapacity(ports, {
    ...input,
    attempt,
    launchTemplateId: ports.launchTemplates[worker.role] ?? '',
    imageParameter: launchImageParameter(settings.fleet, worker.role, settings.nodes.start),
    tags: tagsOf(settings.fleet, input),
    pools,
    until,
  });
};

/** Begins an attempt, finds or makes the instance, and records it under the fence. */
const launchFenced = async (ports: LaunchPorts, input: LaunchInput, startedAt: Date) => {
  const { name, generation } = input.worker;
  const life = { name, generation, execution: input.execution };
  const attempt = await ports.registry.beginLaunch(life);
  const earlier = await adoptInstance(ports, input, attempt);
  const launched = earlier ?? (await requestInstances(ports, input, attempt, limit(startedAt, 'capacity')));
  const instance = await awaitFacts(ports, launched, limit(startedAt, 'facts'));
  await recordLaunch(ports, life, attempt, instance);
  return { instance, adopted: earlier !== undefined };
};

const toOutput = (instance: Instance, adopted: boolean): OperationOutput<'launch', 'launch'> => ({
  instanceId: instance.instanceId,
  instanceArn: instance.instanceArn,
  instanceType: instance.instanceType,
  availabilityZone: instance.availabilityZone,
  market: instance.market,
  amiId: instance.imageId,
  privateIp: instance.privateIp,
  publicIp: instance.publicIp,
  adopted,
});

/**
 * Launches the worker's instance, once: an attempt that died after its launch call is taken over by the next one, and
 * one that a teardown overtook ends what it launched.
 * @throws CapacityError, QuotaError when no allowed pool could serve
 * @throws PermissionError, ConfigurationError when the launch can never work as configured
 * @throws LaunchFencedError when a teardown, or a later attempt, owns the worker now
 * @throws ThrottledError, ServiceUnavailableError, NotYetConsistentError to be called again
 */
export const launchWorker = async (
  ports: LaunchPorts,
  input: LaunchInput,
): Promise<OperationOutput<'launch', 'launch'>> => {
  const startedAt = ports.clock.now();
  const recorded = await findRecorded(ports, input);
  const { instance, adopted } = recorded
    ? { instance: recorded, adopted: true }
    : await launchFenced(ports, input, startedAt);
  // Only now may the node read its identity: until here the secret's tag matches no instance.
  const secret = secretName(ports.settings.secretPrefix, input.worker.name);
  await retryUntil(ports.clock, limit(startedAt, 'binding'), () => ports.secrets.bind(secret, instance.instanceArn));
  return toOutput(instance, adopted);
};
