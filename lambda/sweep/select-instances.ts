import { instanceNameTag, TAG } from '#contract';
import type { Instance, InstanceState, InstancesEc2 } from '#shared/aws/ec2-port.ts';
import type { Life } from '../registry/port.ts';

/** Tags of one life of a worker; of all its lives when the generation is empty. */
export const lifeTags = (fleet: string, { name, generation }: Life): Record<string, string> => ({
  [TAG.fleet]: fleet,
  [TAG.worker]: name,
  ...(generation === '' ? {} : { [TAG.generation]: generation }),
});

/** Whether tags say that something belongs to this life, or say nothing about whose life it is. */
export const mayBelong = (tags: Readonly<Record<string, string>>, fleet: string, { generation }: Life): boolean =>
  (tags[TAG.fleet] ?? fleet) === fleet && (generation === '' || (tags[TAG.generation] ?? generation) === generation);

/** Workers of the fleet: an app-wide fleet tag also sits on machines that build images. */
export const fleetInstances = async (
  ec2: Pick<InstancesEc2, 'instances'>,
  fleet: string,
  states: readonly InstanceState[],
): Promise<Instance[]> => {
  const found = await ec2.instances({ tags: { [TAG.fleet]: fleet }, states });
  return found.filter((instance) => instance.tags[TAG.worker] !== undefined);
};

/** By `Name` alone: finds what lost its tags, or what somebody made by hand under the worker's name. */
export const instancesByName = async (
  ec2: Pick<InstancesEc2, 'instances'>,
  fleet: string,
  life: Life,
): Promise<Instance[]> => {
  const found = await ec2.instances({ tags: { Name: instanceNameTag(life.name) } });
  return found.filter((instance) => mayBelong(instance.tags, fleet, life));
};
