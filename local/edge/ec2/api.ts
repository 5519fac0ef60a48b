import type { QueryValue } from '../protocol/query.ts';
import { AwsRefusal } from '../protocol/refusal.ts';
import type { XmlValue } from '../protocol/xml.ts';
import { describeActions } from './describe.ts';
import { FleetDesk, type PoolFault } from './fleet.ts';
import type { Instance, Tags } from './instance.ts';
import type { Ec2Model } from './model.ts';
import { type Ec2Action, type Ec2Request, parseRequest, REQUESTS } from './requests.ts';
import type { LaunchSources } from './template.ts';
import { fleetXml, stateXml } from './views.ts';

/** What happens on this machine when an instance is launched or ends. */
export interface InstanceLife {
  launched(instance: Instance): void;
  terminated(instance: Instance): void;
}

type Handler = (parameters: { [member: string]: QueryValue }, faults: readonly PoolFault[]) => Promise<XmlValue>;

const createFleet =
  (desk: FleetDesk, life: InstanceLife) =>
  async (input: Ec2Request<'CreateFleet'>, raw: unknown, faults: readonly PoolFault[]): Promise<XmlValue> => {
    if (input.Type !== 'instant' || input.TargetCapacitySpecification.TotalTargetCapacity !== 1) {
      throw new AwsRefusal('InvalidParameterValue', 'the embedded cloud plays instant fleets of one instance only');
    }
    if (input.DryRun) {
      throw new AwsRefusal('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    }
    const config = input.LaunchTemplateConfigs[0];
    const specification = config?.LaunchTemplateSpecification;
    const pools = (config?.Overrides ?? []).map((pool) => ({
      instanceType: pool.InstanceType,
      subnetId: pool.SubnetId,
      imageId: pool.ImageId,
      priority: pool.Priority,
    }));
    const result = await desk.create(
      {
        clientToken: input.ClientToken,
        market: input.TargetCapacitySpecification.DefaultTargetCapacityType,
        template: {
          id: specification?.LaunchTemplateId,
          name: specification?.LaunchTemplateName,
          version: specification?.Version ?? '$Default',
        },
        pools,
        tags: input.TagSpecification,
        fingerprint: JSON.stringify(raw),
      },
      faults,
    );
    if (result.instance !== undefined) life.launched(result.instance);
    return fleetXml(result);
  };

const terminateInstances = (model: Ec2Model, life: InstanceLife) => (input: Ec2Request<'TerminateInstances'>) => {
  for (const instanceId of input.InstanceId) model.require(instanceId);
  return {
    instancesSet: input.InstanceId.map((instanceId) => {
      const { previous, current } = model.terminate(instanceId);
      life.terminated(model.require(instanceId));
      return { instanceId, currentState: stateXml(current), previousState: stateXml(previous) };
    }),
  };
};

/** What carries the tags of an id that the edge keeps; anything else belongs to the emulator behind the edge. */
const taggable = (model: Ec2Model, id: string): { tags: Tags } => {
  if (/^(ami|snap)-/.test(id)) return model.images.taggable(id);
  return model.volumes().find((held) => held.volume.volumeId === id)?.volume ?? model.require(id);
};

const retag = (
  model: Ec2Model,
  resourceIds: readonly string[],
  change: (tags: Readonly<Record<string, string>>) => Record<string, string>,
) => {
  const targets = resourceIds.map((id) => taggable(model, id));
  for (const target of targets) target.tags = change(target.tags);
  return { return: true };
};

const createTags = (model: Ec2Model) => (input: Ec2Request<'CreateTags'>) =>
  retag(model, input.ResourceId, (tags) => ({
    ...tags,
    ...Object.fromEntries(input.Tag.map(({ Key, Value }) => [Key, Value])),
  }));

const deleteTags = (model: Ec2Model) => (input: Ec2Request<'DeleteTags'>) =>
  retag(model, input.ResourceId, (tags) =>
    Object.fromEntries(
      Object.entries(tags).filter(
        ([key, value]) => !input.Tag.some((tag) => tag.Key === key && (tag.Value === undefined || tag.Value === value)),
      ),
    ),
  );

/** A copy takes as long as a launch here. */
const copyImage = (model: Ec2Model) => (input: Ec2Request<'CopyImage'>) => {
  const { accountId, now, times } = model.settings;
  const { image: tags = {}, snapshot: snapshotTags = {} } = input.TagSpecification;
  const { imageId } = model.images.copy({
    name: input.Name,
    sourceImageId: input.SourceImageId,
    clientToken: input.ClientToken,
    encrypted: input.Encrypted,
    ownerId: accountId,
    tags,
    snapshotTags,
    now: now(),
    availableAt: now() + times.pendingMs,
  });
  return { imageId };
};

/** Ids of resources the edge keeps itself; tags on anything else pass through to the emulator. */
const OWN_RESOURCE = /^(i|vol|sir|ami|snap)-/;

/** The EC2 actions the edge answers instead of the emulator behind it. */
export class Ec2Api {
  readonly #handlers: Readonly<Record<Ec2Action, Handler>>;

  constructor(model: Ec2Model, sources: LaunchSources, life: InstanceLife) {
    const fleet = createFleet(new FleetDesk(model, sources), life);
    const terminate = terminateInstances(model, life);
    const describe = describeActions(model);
    const on =
      <A extends Ec2Action>(action: A, run: (input: Ec2Request<A>) => XmlValue): Handler =>
      async (parameters) =>
        run(parseRequest(action, parameters));
    this.#handlers = {
      CreateFleet: (parameters, faults) => {
        const { ClientToken: _token, ...raw } = parameters;
        return fleet(parseRequest('CreateFleet', parameters), raw, faults);
      },
      TerminateInstances: on('TerminateInstances', terminate),
      CreateTags: on('CreateTags', createTags(model)),
      DeleteTags: on('DeleteTags', deleteTags(model)),
      DescribeInstances: on('DescribeInstances', describe.instances),
      DescribeVolumes: on('DescribeVolumes', describe.volumes),
      DescribeNetworkInterfaces: on('DescribeNetworkInterfaces', describe.networkInterfaces),
      DescribeSpotInstanceRequests: on('DescribeSpotInstanceRequests', describe.spotInstanceRequests),
      CancelSpotInstanceRequests: on('CancelSpotInstanceRequests', (input) => {
        for (const id of input.SpotInstanceRequestId) model.cancelSpot(id);
        return {
          spotInstanceRequestSet: input.SpotInstanceRequestId.map((id) => ({
            spotInstanceRequestId: id,
            state: 'cancelled',
          })),
        };
      }),
      DescribeInstanceTypeOfferings: on('DescribeInstanceTypeOfferings', describe.instanceTypeOfferings),
      DescribeImages: on('DescribeImages', describe.images),
      DescribeSnapshots: on('DescribeSnapshots', describe.snapshots),
      CopyImage: on('CopyImage', copyImage(model)),
      DeregisterImage: on('DeregisterImage', (input) => ({
        return: true,
        deleteSnapshotResultSet: model.images
          .deregister(input.ImageId, input.DeleteAssociatedSnapshots)
          .map((snapshotId) => ({ snapshotId, returnCode: 'success' })),
      })),
      DeleteSnapshot: on('DeleteSnapshot', (input) => {
        model.images.deleteSnapshot(input.SnapshotId);
        return { return: true };
      }),
    };
  }

  /** Whether the edge answers this call itself. */
  answers(action: string, parameters: { [member: string]: QueryValue }): action is Ec2Action {
    if (!Object.hasOwn(REQUESTS, action)) return false;
    if (action !== 'CreateTags' && action !== 'DeleteTags') return true;
    const ids = parameters.ResourceId;
    return Array.isArray(ids) && ids.every((id) => typeof id === 'string' && OWN_RESOURCE.test(id));
  }

  /** @throws AwsRefusal */
  async handle(
    action: Ec2Action,
    parameters: { [member: string]: QueryValue },
    faults: readonly PoolFault[],
  ): Promise<XmlValue> {
    return await this.#handlers[action](parameters, faults);
  }
}
