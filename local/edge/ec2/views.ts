import type { XmlValue } from '../protocol/xml.ts';
import type { Filterable } from './filters.ts';
import type { FleetError, FleetResult, PoolRequest } from './fleet.ts';
import type { Image, Snapshot } from './images.ts';
import { type Instance, type InstanceState, STATE_CODES, type Tags, type Volume } from './instance.ts';
import type { Ec2Model } from './model.ts';

/** The emulated resources in the words of the EC2 protocol, and as filters see them. */
type Xml = { readonly [name: string]: XmlValue };

const tagSet = (tags: Tags): XmlValue => Object.entries(tags).map(([key, value]) => ({ key, value }));
const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const stateXml = (state: InstanceState): Xml => ({ code: STATE_CODES[state], name: state });

export const instanceXml = (model: Ec2Model, instance: Instance): Xml => {
  const state = model.state(instance);
  const alive = state !== 'terminated';
  return {
    instanceId: instance.instanceId,
    imageId: instance.imageId,
    instanceState: stateXml(state),
    privateIpAddress: alive ? instance.privateIp : undefined,
    ipAddress: alive && state !== 'pending' ? instance.publicIp : undefined,
    reason: instance.reason,
    clientToken: instance.clientToken,
    instanceType: instance.instanceType,
    launchTime: instant(instance.launchedAt),
    placement: { availabilityZone: instance.availabilityZone, tenancy: 'default' },
    subnetId: alive ? instance.subnetId : undefined,
    vpcId: alive ? instance.vpcId : undefined,
    architecture: 'x86_64',
    rootDeviceType: 'ebs',
    instanceLifecycle: instance.market === 'spot' ? 'spot' : undefined,
    spotInstanceRequestId: instance.spotRequestId === '' ? undefined : instance.spotRequestId,
    iamInstanceProfile: instance.instanceProfileArn === '' ? undefined : { arn: instance.instanceProfileArn },
    metadataOptions: { state: 'applied', ...instance.metadata },
    groupSet: instance.securityGroupIds.map((groupId) => ({ groupId })),
    blockDeviceMapping: alive
      ? instance.volumes.map(({ deviceName, volumeId, deleteOnTermination }) => ({
          deviceName,
          ebs: { volumeId, status: 'attached', deleteOnTermination },
        }))
      : [],
    networkInterfaceSet: alive ? [{ networkInterfaceId: instance.networkInterfaceId, status: 'in-use' }] : [],
    tagSet: tagSet(instance.tags),
  };
};

export const instanceFields = (model: Ec2Model, instance: Instance): Filterable => ({
  tags: instance.tags,
  fields: {
    'instance-id': instance.instanceId,
    'instance-state-name': model.state(instance),
    'instance-state-code': String(STATE_CODES[model.state(instance)]),
    'instance-type': instance.instanceType,
    'instance-lifecycle': instance.market === 'spot' ? 'spot' : [],
    'availability-zone': instance.availabilityZone,
    'client-token': instance.clientToken,
    'image-id': instance.imageId,
    'private-ip-address': instance.privateIp,
    'ip-address': instance.publicIp,
    'subnet-id': instance.subnetId,
    'vpc-id': instance.vpcId,
    'spot-instance-request-id': instance.spotRequestId,
  },
});

export const volumeXml = (volume: Volume, instance: Instance, attached: boolean): Xml => ({
  volumeId: volume.volumeId,
  size: volume.sizeGib,
  encrypted: volume.encrypted,
  status: attached ? 'in-use' : 'available',
  volumeType: 'gp3',
  availabilityZone: instance.availabilityZone,
  createTime: instant(instance.launchedAt),
  attachmentSet: attached
    ? [
        {
          volumeId: volume.volumeId,
          instanceId: instance.instanceId,
          device: volume.deviceName,
          status: 'attached',
          deleteOnTermination: volume.deleteOnTermination,
        },
      ]
    : [],
  tagSet: tagSet(volume.tags),
});

export const volumeFields = (volume: Volume, instance: Instance, attached: boolean): Filterable => ({
  tags: volume.tags,
  fields: {
    'volume-id': volume.volumeId,
    status: attached ? 'in-use' : 'available',
    'attachment.instance-id': attached ? instance.instanceId : [],
    'availability-zone': instance.availabilityZone,
  },
});

export const interfaceXml = (instance: Instance): Xml => ({
  networkInterfaceId: instance.networkInterfaceId,
  subnetId: instance.subnetId,
  vpcId: instance.vpcId,
  availabilityZone: instance.availabilityZone,
  status: 'in-use',
  privateIpAddress: instance.privateIp,
  association: { publicIp: instance.publicIp },
  attachment: {
    attachmentId: instance.networkInterfaceId.replace('eni-', 'eni-attach-'),
    instanceId: instance.instanceId,
    deviceIndex: 0,
    status: 'attached',
    deleteOnTermination: true,
  },
  groupSet: instance.securityGroupIds.map((groupId) => ({ groupId })),
  tagSet: tagSet(instance.networkInterfaceTags),
});

export const interfaceFields = (instance: Instance): Filterable => ({
  tags: instance.networkInterfaceTags,
  fields: {
    'network-interface-id': instance.networkInterfaceId,
    'attachment.instance-id': instance.instanceId,
    'subnet-id': instance.subnetId,
    'vpc-id': instance.vpcId,
    'group-id': instance.securityGroupIds,
    status: 'in-use',
  },
});

export const spotXml = (model: Ec2Model, instance: Instance): Xml => {
  const state = model.spotState(instance);
  return {
    spotInstanceRequestId: instance.spotRequestId,
    state,
    status: { code: state === 'active' ? 'fulfilled' : 'instance-terminated-by-user' },
    type: 'one-time',
    instanceId: instance.instanceId,
    createTime: instant(instance.launchedAt),
    tagSet: [],
  };
};

export const spotFields = (model: Ec2Model, instance: Instance): Filterable => ({
  tags: {},
  fields: {
    'spot-instance-request-id': instance.spotRequestId,
    'instance-id': instance.instanceId,
    state: model.spotState(instance),
  },
});

const imageState = (image: Image, now: number): string => (now < image.availableAt ? 'pending' : 'available');

export const imageXml = (image: Image, now: number): Xml => ({
  imageId: image.imageId,
  name: image.name,
  imageOwnerId: image.ownerId,
  imageState: imageState(image, now),
  isPublic: false,
  architecture: 'x86_64',
  rootDeviceName: image.rootDeviceName,
  rootDeviceType: 'ebs',
  creationDate: instant(image.createdAt),
  blockDeviceMapping: [
    {
      deviceName: image.rootDeviceName,
      ebs: { snapshotId: image.snapshotId, volumeSize: image.sizeGib, encrypted: image.encrypted },
    },
  ],
  tagSet: tagSet(image.tags),
});

export const imageFields = (image: Image, now: number): Filterable => ({
  tags: image.tags,
  fields: {
    'image-id': image.imageId,
    name: image.name,
    'owner-id': image.ownerId,
    architecture: 'x86_64',
    state: imageState(image, now),
  },
});

export const snapshotXml = (snapshot: Snapshot): Xml => ({
  snapshotId: snapshot.snapshotId,
  ownerId: snapshot.ownerId,
  volumeSize: snapshot.volumeSizeGib,
  encrypted: snapshot.encrypted,
  status: 'completed',
  startTime: instant(snapshot.startedAt),
  tagSet: tagSet(snapshot.tags),
});

export const snapshotFields = (snapshot: Snapshot): Filterable => ({
  tags: snapshot.tags,
  fields: { 'snapshot-id': snapshot.snapshotId, status: 'completed', 'owner-id': snapshot.ownerId },
});

const poolXml = (result: FleetResult, pool: PoolRequest): Xml => ({
  launchTemplateSpecification: { launchTemplateId: result.template.id, version: result.template.version },
  overrides: {
    instanceType: pool.instanceType,
    subnetId: pool.subnetId,
    imageId: pool.imageId,
    priority: pool.priority,
  },
});

const errorXml = (result: FleetResult, error: FleetError): Xml => ({
  errorCode: error.code,
  errorMessage: error.message,
  lifecycle: result.market,
  launchTemplateAndOverrides: poolXml(result, error.pool),
});

export const fleetXml = (result: FleetResult): Xml => ({
  fleetId: result.fleetId,
  errorSet: result.errors.map((error) => errorXml(result, error)),
  fleetInstanceSet:
    result.instance === undefined || result.pool === undefined
      ? []
      : [
          {
            instanceIds: [result.instance.instanceId],
            instanceType: result.instance.instanceType,
            lifecycle: result.market,
            launchTemplateAndOverrides: poolXml(result, result.pool),
          },
        ],
});
