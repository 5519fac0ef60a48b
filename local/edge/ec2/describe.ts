import { AwsRefusal } from '../protocol/refusal.ts';
import type { XmlValue } from '../protocol/xml.ts';
import { type Filter, type Filterable, passes } from './filters.ts';
import type { Ec2Model } from './model.ts';
import { offerings } from './offerings.ts';
import { page } from './pages.ts';
import type { Ec2Request } from './requests.ts';
import * as view from './views.ts';

interface Listing<T> {
  readonly items: readonly T[];
  readonly id: (item: T) => string;
  readonly fields: (item: T) => Filterable;
  readonly xml: (item: T) => XmlValue;
}

interface Query {
  readonly ids: readonly string[];
  readonly filters: readonly Filter[];
  readonly maxResults: number | undefined;
  readonly nextToken: string | undefined;
  /** Error of an id that does not exist. */
  readonly unknownId: string;
}

/** Ids first (each must exist), then filters, then one page. */
const list = <T>(listing: Listing<T>, query: Query): { items: XmlValue[]; nextToken: string | undefined } => {
  const missing = query.ids.find((id) => !listing.items.some((item) => listing.id(item) === id));
  if (missing !== undefined) throw new AwsRefusal(query.unknownId, `The ID '${missing}' does not exist`);
  const chosen = listing.items.filter(
    (item) =>
      (query.ids.length === 0 || query.ids.includes(listing.id(item))) && passes(listing.fields(item), query.filters),
  );
  const { items, nextToken } = page(chosen, query.maxResults, query.nextToken);
  return { items: items.map(listing.xml), nextToken };
};

interface Paged {
  readonly Filter: readonly Filter[];
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

const query = (input: Paged, ids: readonly string[], unknownId: string): Query => ({
  ids,
  filters: input.Filter,
  maxResults: input.MaxResults,
  nextToken: input.NextToken,
  unknownId,
});

const instances = (model: Ec2Model) => (input: Ec2Request<'DescribeInstances'>) => {
  const { items, nextToken } = list(
    {
      items: model.visible(),
      id: (instance) => instance.instanceId,
      fields: (instance) => view.instanceFields(model, instance),
      xml: (instance) => ({
        reservationId: instance.reservationId,
        ownerId: model.settings.accountId,
        groupSet: [],
        instancesSet: [view.instanceXml(model, instance)],
      }),
    },
    query(input, input.InstanceId, 'InvalidInstanceID.NotFound'),
  );
  return { reservationSet: items, nextToken };
};

const volumes = (model: Ec2Model) => (input: Ec2Request<'DescribeVolumes'>) => {
  const { items, nextToken } = list(
    {
      items: model.volumes(),
      id: ({ volume }) => volume.volumeId,
      fields: ({ volume, instance, attached }) => view.volumeFields(volume, instance, attached),
      xml: ({ volume, instance, attached }) => view.volumeXml(volume, instance, attached),
    },
    query(input, input.VolumeId, 'InvalidVolume.NotFound'),
  );
  return { volumeSet: items, nextToken };
};

const networkInterfaces = (model: Ec2Model) => (input: Ec2Request<'DescribeNetworkInterfaces'>) => {
  const { items, nextToken } = list(
    {
      items: model.withInterface(),
      id: (instance) => instance.networkInterfaceId,
      fields: view.interfaceFields,
      xml: view.interfaceXml,
    },
    query(input, input.NetworkInterfaceId, 'InvalidNetworkInterfaceID.NotFound'),
  );
  return { networkInterfaceSet: items, nextToken };
};

const spotInstanceRequests = (model: Ec2Model) => (input: Ec2Request<'DescribeSpotInstanceRequests'>) => {
  const { items, nextToken } = list(
    {
      items: model.spotInstances(),
      id: (instance) => instance.spotRequestId,
      fields: (instance) => view.spotFields(model, instance),
      xml: (instance) => view.spotXml(model, instance),
    },
    query(input, input.SpotInstanceRequestId, 'InvalidSpotInstanceRequestID.NotFound'),
  );
  return { spotInstanceRequestSet: items, nextToken };
};

const instanceTypeOfferings = (model: Ec2Model) => (input: Ec2Request<'DescribeInstanceTypeOfferings'>) => {
  if (input.LocationType !== 'availability-zone') {
    throw new AwsRefusal('InvalidParameterValue', 'the embedded cloud answers LocationType=availability-zone only');
  }
  const { items, nextToken } = list(
    {
      items: offerings(model.settings.region),
      id: (offering) => offering.instanceType,
      fields: (offering) => ({
        tags: {},
        fields: { 'instance-type': offering.instanceType, location: offering.zone },
      }),
      xml: (offering) => ({
        instanceType: offering.instanceType,
        locationType: input.LocationType,
        location: offering.zone,
      }),
    },
    query(input, [], 'InvalidInstanceType'),
  );
  return { instanceTypeOfferingSet: items, nextToken };
};

/** Owners narrow a list, ids among it or not; everything here belongs to one account. */
const ownedBy = <T extends { readonly ownerId: string }>(model: Ec2Model, items: T[], owners: readonly string[]): T[] =>
  items.filter(
    ({ ownerId }) =>
      owners.length === 0 || owners.some((owner) => (owner === 'self' ? model.settings.accountId : owner) === ownerId),
  );

const images = (model: Ec2Model) => (input: Ec2Request<'DescribeImages'>) => {
  const now = model.settings.now();
  const { items, nextToken } = list(
    {
      items: ownedBy(model, model.images.images(), input.Owner),
      id: (image) => image.imageId,
      fields: (image) => view.imageFields(image, now),
      xml: (image) => view.imageXml(image, now),
    },
    query(input, input.ImageId, 'InvalidAMIID.NotFound'),
  );
  return { imagesSet: items, nextToken };
};

const snapshots = (model: Ec2Model) => (input: Ec2Request<'DescribeSnapshots'>) => {
  const { items, nextToken } = list(
    {
      items: ownedBy(model, model.images.snapshots(), input.Owner),
      id: (snapshot) => snapshot.snapshotId,
      fields: view.snapshotFields,
      xml: view.snapshotXml,
    },
    query(input, input.SnapshotId, 'InvalidSnapshot.NotFound'),
  );
  return { snapshotSet: items, nextToken };
};

/** The read-only actions. */
export const describeActions = (model: Ec2Model) => ({
  instances: instances(model),
  volumes: volumes(model),
  networkInterfaces: networkInterfaces(model),
  spotInstanceRequests: spotInstanceRequests(model),
  instanceTypeOfferings: instanceTypeOfferings(model),
  images: images(model),
  snapshots: snapshots(model),
});
