import * as z from 'zod';
import type { QueryValue } from '../protocol/query.ts';
import { AwsRefusal } from '../protocol/refusal.ts';

/** The request shapes of the EC2 actions the edge answers, as the query protocol spells them. */
const count = z.coerce.number().int();
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const texts = z.array(z.string()).default([]);
const tag = z.object({ Key: z.string(), Value: z.string().default('') });

const filters = z
  .array(z.object({ Name: z.string(), Value: texts }).transform(({ Name, Value }) => ({ name: Name, values: Value })))
  .default([]);

const paging = { MaxResults: count.optional(), NextToken: z.string().optional() };

const templateSpecification = z.object({
  LaunchTemplateId: z.string().optional(),
  LaunchTemplateName: z.string().optional(),
  Version: z.string().default('$Default'),
});

const override = z.object({
  InstanceType: z.string().optional(),
  SubnetId: z.string().optional(),
  ImageId: z.string().optional(),
  Priority: z.coerce.number().optional(),
});

const tagSpecifications = z
  .array(z.object({ ResourceType: z.string(), Tag: z.array(tag).default([]) }))
  .default([])
  .transform((specifications) =>
    Object.fromEntries(
      specifications.map(({ ResourceType, Tag }) => [
        ResourceType,
        Object.fromEntries(Tag.map(({ Key, Value }) => [Key, Value])),
      ]),
    ),
  );

export const REQUESTS = {
  CreateFleet: z.object({
    DryRun: flag.default(false),
    ClientToken: z.string().max(64).default(''),
    Type: z.string().default('maintain'),
    LaunchTemplateConfigs: z
      .array(
        z.object({
          LaunchTemplateSpecification: templateSpecification,
          Overrides: z.array(override).default([]),
        }),
      )
      .length(1),
    TargetCapacitySpecification: z.object({
      TotalTargetCapacity: count,
      DefaultTargetCapacityType: z.enum(['spot', 'on-demand']).default('on-demand'),
    }),
    TagSpecification: tagSpecifications,
  }),
  DescribeInstances: z.object({ InstanceId: texts, Filter: filters, ...paging }),
  TerminateInstances: z.object({ InstanceId: z.array(z.string()).min(1) }),
  DescribeVolumes: z.object({ VolumeId: texts, Filter: filters, ...paging }),
  DescribeNetworkInterfaces: z.object({ NetworkInterfaceId: texts, Filter: filters, ...paging }),
  DescribeSpotInstanceRequests: z.object({ SpotInstanceRequestId: texts, Filter: filters, ...paging }),
  CancelSpotInstanceRequests: z.object({ SpotInstanceRequestId: z.array(z.string()).min(1) }),
  DescribeInstanceTypeOfferings: z.object({
    LocationType: z.string().default('region'),
    Filter: filters,
    ...paging,
  }),
  DescribeImages: z.object({ ImageId: texts, Owner: texts, Filter: filters, ...paging }),
  CopyImage: z.object({
    Name: z.string().min(3).max(128),
    SourceImageId: z.string(),
    SourceRegion: z.string(),
    Encrypted: flag.default(false),
    ClientToken: z.string().max(64).default(''),
    TagSpecification: tagSpecifications,
  }),
  DeregisterImage: z.object({ ImageId: z.string(), DeleteAssociatedSnapshots: flag.default(false) }),
  DescribeSnapshots: z.object({ SnapshotId: texts, Owner: texts, Filter: filters, ...paging }),
  DeleteSnapshot: z.object({ SnapshotId: z.string() }),
  CreateTags: z.object({ ResourceId: z.array(z.string()).min(1), Tag: z.array(tag).min(1) }),
  DeleteTags: z.object({
    ResourceId: z.array(z.string()).min(1),
    Tag: z.array(z.object({ Key: z.string(), Value: z.string().optional() })).default([]),
  }),
} as const;

export type Ec2Action = keyof typeof REQUESTS;
export type Ec2Request<A extends Ec2Action> = z.output<(typeof REQUESTS)[A]>;

/** @throws AwsRefusal InvalidParameterValue naming the first member that is wrong */
export const parseRequest = <A extends Ec2Action>(
  action: A,
  parameters: { [member: string]: QueryValue },
): Ec2Request<A> => {
  const parsed = REQUESTS[action].safeParse(parameters);
  if (parsed.success) return parsed.data as Ec2Request<A>;
  const issue = parsed.error.issues[0];
  throw new AwsRefusal('InvalidParameterValue', `${issue?.path.join('.') ?? action}: ${issue?.message ?? 'invalid'}`);
};
