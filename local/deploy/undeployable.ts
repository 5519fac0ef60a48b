/** A resource type that is taken out of the templates before they are deployed here, and why. */
export interface Undeployable {
  /** Whole name, or a prefix that ends in `::`. */
  readonly type: string;
  readonly reason: string;
}

/** The one list of what differs between what AWS deploys and what the embedded cloud deploys. */
export const UNDEPLOYABLE: readonly Undeployable[] = [
  { type: 'AWS::SSM::Document', reason: 'the edge plays Run Command, with these very documents' },
  { type: 'AWS::ImageBuilder::', reason: 'no machine image is built here' },
  { type: 'AWS::CloudWatch::Alarm', reason: 'no alarm rings here, and the emulator knows no metric mathematics' },
  { type: 'AWS::EC2::SecurityGroupIngress', reason: 'no packet passes a security group here' },
];

export const findUndeployable = (type: string): Undeployable | undefined =>
  UNDEPLOYABLE.find((entry) => (entry.type.endsWith('::') ? type.startsWith(entry.type) : type === entry.type));
