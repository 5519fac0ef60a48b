import type { MetadataOptions, Tags } from './instance.ts';
import type { BlockDevice, Subnet } from './model.ts';

/** A launch template version as far as a launch needs it. */
export interface Template {
  readonly templateId: string;
  readonly templateName: string;
  readonly version: string;
  /** An image id, or `resolve:ssm:<parameter>`; empty if the template names none. */
  readonly imageId: string;
  readonly instanceType: string;
  /** Decoded. */
  readonly userData: string;
  readonly metadata: MetadataOptions;
  readonly tags: Readonly<Record<string, Tags>>;
  readonly securityGroupIds: readonly string[];
  readonly instanceProfileArn: string;
  readonly blockDevices: readonly BlockDevice[];
}

/** What a launch needs from services the edge does not play itself. */
export interface LaunchSources {
  /** @throws AwsRefusal InvalidLaunchTemplateId.NotFound and relatives */
  template(spec: { id: string | undefined; name: string | undefined; version: string }): Promise<Template>;
  subnet(subnetId: string): Promise<Subnet | undefined>;
  /** Value of a parameter, undefined if there is none. */
  parameter(name: string): Promise<string | undefined>;
}
