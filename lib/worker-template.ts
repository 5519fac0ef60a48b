import { Fn, Stack } from 'aws-cdk-lib';
import { CfnLaunchTemplate, type ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { launchImageParameter, type Role, TAG } from '#contract';
import { renderUserData } from '../userdata/render.ts';
import { renderPlainUserData } from '../userdata/render-plain.ts';
import type { Config } from './config.ts';
import { type BakeAsset, bare } from './images/bake-asset.ts';

export interface WorkerTemplateProps {
  readonly config: Config;
  readonly role: Role;
  /** What a worker installs itself from; nothing where it boots an image. */
  readonly bundle: BakeAsset | undefined;
  readonly instanceProfileName: string;
  readonly securityGroups: readonly ISecurityGroup[];
}

/**
 * The launch template of a role. Written on the L1 construct: the L2 adds a Name tag of its own, and tags of the app
 * would reach instances, where a key with a blank or slash makes every launch fail (instance tags in metadata).
 */
export class WorkerTemplate extends Construct {
  readonly templateId: string;
  readonly templateArn: string;

  constructor(scope: Construct, id: string, props: WorkerTemplateProps) {
    super(scope, id);
    const { config, role } = props;
    const template = new CfnLaunchTemplate(this, 'Template', {
      launchTemplateName: `${config.fleet}-${role}`,
      launchTemplateData: {
        ...instanceData(props),
        metadataOptions: {
          httpTokens: 'required',
          httpEndpoint: 'enabled',
          httpPutResponseHopLimit: 1,
          instanceMetadataTags: 'enabled',
        },
        blockDeviceMappings: [rootVolume(config, role)],
        networkInterfaces: [
          {
            deviceIndex: 0,
            associatePublicIpAddress: true,
            deleteOnTermination: true,
            groups: props.securityGroups.map((group) => group.securityGroupId),
          },
        ],
        // Instances and volumes are tagged by the launch call; no spot-instances-request: it breaks on-demand.
        tagSpecifications: [
          {
            resourceType: 'network-interface',
            tags: [
              { key: TAG.fleet, value: config.fleet },
              { key: TAG.role, value: role },
            ],
          },
        ],
      },
    });
    this.templateId = template.ref;
    this.templateArn = Stack.of(this).formatArn({
      service: 'ec2',
      resource: 'launch-template',
      resourceName: template.ref,
    });
  }
}

const instanceData = (props: WorkerTemplateProps) => {
  const { config, role, instanceProfileName } = props;
  return {
    imageId: `resolve:ssm:${launchImageParameter(config.fleet, role, config.nodes.start)}`,
    iamInstanceProfile: { name: instanceProfileName },
    instanceInitiatedShutdownBehavior: 'terminate',
    userData: Fn.base64(userDataOf(props)),
    ...(config.nodes.keyPair === undefined ? {} : { keyName: config.nodes.keyPair }),
  };
};

const userDataOf = ({ config, role, bundle }: WorkerTemplateProps): string => {
  const values = {
    role,
    fleet: config.fleet,
    region: config.region,
    secretPrefix: config.secretPrefix,
    controlPlane: config.controlPlane,
    readySeconds: config.limits.readySeconds,
  };
  if (bundle === undefined) return renderUserData(values);
  return renderPlainUserData({
    ...values,
    bundleBucket: bundle.bucket,
    bundleKey: bundle.key,
    bundleSha256: bundle.sha256,
    nebulaVersion: config.images.nebulaVersion,
    k3sVersion: config.k3s.version,
    ciliumVersion: bare(config.cilium.version),
    liqoVersion: bare(config.liqo.version),
    nvidiaDriverVersion: config.images.nvidiaDriver,
    ollamaVersion: config.images.ollamaVersion,
  });
};

const rootVolume = ({ nodes, roles }: Config, role: Role) => ({
  deviceName: '/dev/xvda',
  ebs: {
    volumeType: 'gp3',
    volumeSize: roles[role].rootVolumeGib,
    encrypted: true,
    deleteOnTermination: true,
    ...(nodes.volumeInitializationRateMib === 0 ? {} : { volumeInitializationRate: nodes.volumeInitializationRateMib }),
  },
});
