import { type OperationInput, type OperationOutput, parameterName, ROLES, TAG } from '#contract';
import { PRESENT_STATES } from '#shared/aws/ec2-port.ts';
import type { SweepPorts } from './ports.ts';

type DeregisterPorts = Pick<SweepPorts, 'ec2' | 'parameters' | 'registry' | 'log' | 'settings'>;
type DeregisterInput = OperationInput<'sweep', 'deregister'>;

/** Every way in which something still refers to the image; losing one of them would break a later launch. */
const findReferences = async (
  { ec2, parameters, registry, settings }: DeregisterPorts,
  { name, amiId }: DeregisterInput,
): Promise<string[]> => {
  const names = ROLES.map((role) => parameterName.ami(settings.fleet, role));
  const [values, instances, rows] = await Promise.all([
    Promise.all(names.map((parameter) => parameters.find(parameter))),
    ec2.instances({ imageId: amiId, states: PRESENT_STATES }),
    registry.list(),
  ]);
  const mine = (tags: Readonly<Record<string, string>>) =>
    tags[TAG.fleet] === settings.fleet && tags[TAG.worker] === name;
  return [
    ...names.filter((_, index) => values[index] === amiId).map((parameter) => `parameter ${parameter}`),
    ...instances.filter((instance) => !mine(instance.tags)).map((instance) => `instance ${instance.instanceId}`),
    ...rows
      .filter((row) => row.name !== name && row.phase !== 'REMOVED' && row.amiId === amiId)
      .map((row) => `worker ${row.name}`),
  ];
};

/**
 * Deregisters the image a worker ran from, with the snapshots no other image uses. Never one that a fleet's AMI
 * parameter, another instance of the account or another worker refers to, nor one of another account.
 */
export const deregisterImage = async (
  ports: DeregisterPorts,
  input: DeregisterInput,
): Promise<OperationOutput<'sweep', 'deregister'>> => {
  if (input.amiId === '') return { outcome: 'absent', snapshots: [] };
  const image = await ports.ec2.image(input.amiId);
  if (image === undefined) return { outcome: 'absent', snapshots: [] };
  if (!image.ownedByUs) return { outcome: 'not-ours', snapshots: [] };
  const references = await findReferences(ports, input);
  if (references.length > 0) {
    ports.log.warn('image stays, it is in use', { amiId: input.amiId, references });
    return { outcome: 'in-use', snapshots: [] };
  }
  return { outcome: 'deregistered', snapshots: await ports.ec2.deregisterImage(input.amiId) };
};
