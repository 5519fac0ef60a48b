import { createHash } from 'node:crypto';

/** A resource type that is taken out of the templates before they are deployed here, and why. */
export interface Undeployable {
  /** Whole name, or a prefix that ends in `::`. */
  readonly type: string;
  readonly reason: string;
  /** What stands where others refer to an attribute of it; without this, nothing that stays may. */
  readonly attribute?: (logicalId: string, attribute: string) => unknown;
}

/** An identifier as AWS would give one, the same for the same resource. */
export const identifierOf = (logicalId: string): string =>
  createHash('sha256')
    .update(logicalId)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');

/** `TrustAnchorArn` and `ProfileArn`, in the region and account of the deployment. */
const rolesAnywhereArn = (logicalId: string, attribute: string): unknown => {
  const kind = { TrustAnchorArn: 'trust-anchor', ProfileArn: 'profile' }[attribute];
  if (kind === undefined) return undefined;
  const arn = `arn:aws:rolesanywhere:\${AWS::Region}:\${AWS::AccountId}:${kind}/${identifierOf(logicalId)}`;
  return { 'Fn::Sub': arn };
};

/** The one list of what differs between what AWS deploys and what the embedded cloud deploys. */
export const UNDEPLOYABLE: readonly Undeployable[] = [
  { type: 'AWS::SSM::Document', reason: 'the edge plays Run Command, with these very documents' },
  { type: 'AWS::ImageBuilder::', reason: 'no machine image is built here' },
  { type: 'AWS::CloudWatch::Alarm', reason: 'no alarm rings here, and the emulator knows no metric mathematics' },
  {
    type: 'AWS::RolesAnywhere::',
    reason: 'the edge plays CreateSession, with this very certificate authority',
    attribute: rolesAnywhereArn,
  },
  { type: 'AWS::EC2::SecurityGroupIngress', reason: 'no packet passes a security group here' },
];

export const findUndeployable = (type: string): Undeployable | undefined =>
  UNDEPLOYABLE.find((entry) => (entry.type.endsWith('::') ? type.startsWith(entry.type) : type === entry.type));
