import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ENVIRONMENT, OUTPUT, PORTS } from '#contract';
import { ENTRY_POINTS } from '../../lib/entry-points.ts';
import { bakeBundle } from '../../lib/images/bake-bundle.ts';
import { flatten, resourcesOf, synthesise } from './support/app.ts';

const { mesh, images, fleet, stacks, complaints } = synthesise();
const PEM = '-----BEGIN NEBULA CERTIFICATE-----\nCkcKEXRhbG9z\n-----END NEBULA CERTIFICATE-----\n';
const KEY_ARN = 'arn:aws:kms:us-west-2:111122223333:key/11111111-2222-3333-4444-555555555555';
const CA_SECRET_ARN = 'arn:aws:secretsmanager:us-west-2:111122223333:secret:nebula-ca-AbCdEf';

/** Every synthesis costs half a second, so that each of these stands for several configurations. */
const SECOND = synthesise({ fleet: 'second', acknowledge: [] });
const IN_EXISTING_VPC = synthesise({
  mesh: { ca: { keyArn: KEY_ARN } },
  nodes: {
    keyPair: 'hybrid-llm-key',
    volumeInitializationRateMib: 0,
    instanceProfile: { name: 'mine', roleArn: 'arn:aws:iam::111122223333:role/mine' },
  },
  roles: { 'gpu-worker': { rootVolumeGib: 100 } },
  network: {
    vpcId: 'vpc-0abc12345678',
    vpcCidr: '172.31.0.0/16',
    zones: ['us-west-2a'],
    subnetIds: ['subnet-0abc12345678'],
    operatorCidrs: { 'k3s-api': ['192.0.2.0/24'], 'agent-health': ['192.0.2.7/32'] },
  },
  liqo: { gatewayPort: 32400, gatewayCidrs: ['198.51.100.0/24'] },
});
const OVER_MESH = synthesise({
  mesh: { ca: { signer: 'secret', secretArn: CA_SECRET_ARN, certificate: PEM } },
  liqo: { gatewayPath: 'mesh' },
  cilium: { kubeProxyReplacement: false },
});
const WITHOUT_LIQO = synthesise({ liqo: { enabled: false }, agent: { verify: false } });

const ofType = (template: typeof fleet, type: string) =>
  Object.entries(resourcesOf(template)).filter(([, { Type }]) => Type === type);

describe('the app', () => {
  it('synthesises without warnings as cdk.json ships it, once the worker agent is built', () => {
    const ofAgent = complaints.filter((text) => text.includes('the worker agent is not built'));

    expect(complaints).toEqual(ofAgent);
    expect(ofAgent).toHaveLength(bakeBundle().hasAgent ? 0 : 1);
  });

  it('warns of what its owner has not acknowledged', () => {
    expect(SECOND.complaints.filter((text) => text.includes('mesh.trustedCas'))).toHaveLength(1);
  });

  it('needs no account: nothing is looked up', () => {
    expect(stacks.fleet.account).toMatch(/^\$\{Token/);
    expect(stacks.fleet.region).toBe('us-west-2');
  });

  it('puts the fleet’s name before every name, so that two fleets live in one account', () => {
    const names = (template: typeof fleet): string[] =>
      Object.values(resourcesOf(template)).flatMap(({ Properties = {} }) =>
        Object.entries(Properties)
          .filter(([key, value]) => /Name$/.test(key) && key !== 'PolicyName' && typeof value === 'string')
          .map(([, value]) => String(value)),
      );
    const [ours, theirs] = [fleet, SECOND.fleet].map((template) => new Set(names(template)));
    const shared = [...(ours ?? [])].filter((name) => theirs?.has(name));

    // Names inside a parent of its own: stages, API resources, alarm namespaces.
    expect(
      shared.filter((name) => !/^(v1|AWS\/\w+|ApproximateNumberOfMessagesVisible|Executions\w+)$/.test(name)),
    ).toEqual([]);
  });

  it('has every output that the command goes by', () => {
    const { caFingerprint, caCertificateParameter, trustStep, ...ofFleet } = OUTPUT;
    const mayBeMissing = /^ControlPlane/;

    for (const output of Object.values(ofFleet)) if (!mayBeMissing.test(output)) fleet.hasOutput(output, {});
    for (const output of [caFingerprint, caCertificateParameter, trustStep]) mesh.hasOutput(output, {});
  });
});

describe('the mesh stack', () => {
  it('keeps key and stack: RetainExceptOnCreate, termination protection', () => {
    mesh.hasResource('AWS::KMS::Key', {
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' },
    });
    expect(stacks.mesh.terminationProtection).toBe(true);
  });

  it('orders the CA with the properties of the configuration, and no certificate in the template', () => {
    mesh.hasResourceProperties('Custom::NebulaCa', {
      fleet: 'carrierarr',
      name: 'talos-homelab-mesh',
      groups: ['workers', 'aws'],
      days: 3650,
    });
    mesh.resourceCountIs('AWS::SSM::Parameter', 0);
  });

  it('uses a key that was kept again', () => {
    const { mesh: again } = IN_EXISTING_VPC;

    again.resourceCountIs('AWS::KMS::Key', 0);
    again.hasResourceProperties('Custom::NebulaCa', {
      keyArn: KEY_ARN,
      keyId: '11111111-2222-3333-4444-555555555555',
    });
  });

  it('takes an existing CA’s certificate from the configuration and never its key', () => {
    const existing = OVER_MESH;

    existing.mesh.resourceCountIs('AWS::KMS::Key', 0);
    existing.mesh.hasResourceProperties('AWS::SSM::Parameter', { Value: PEM });
    existing.mesh.hasOutput(OUTPUT.caFingerprint, { Value: Match.stringLikeRegexp('^[0-9a-f]{64}$') });
    existing.fleet.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'carrierarr-identity',
      Environment: {
        Variables: Match.objectLike({ SIGNER: JSON.stringify({ kind: 'secret', secretArn: CA_SECRET_ARN }) }),
      },
    });
  });
});

describe('the images stack', () => {
  it('names the parameters and declares none: a template would put an old image back', () => {
    images.resourceCountIs('AWS::SSM::Parameter', 0);
    images.hasOutput('GpuWorkerAmiParameter', { Value: '/carrierarr/ami/gpu-worker' });
  });
});

describe('functions', () => {
  const functions = [...ofType(mesh, 'AWS::Lambda::Function'), ...ofType(fleet, 'AWS::Lambda::Function')].map(
    ([, { Properties }]) => Properties,
  );
  const named = (name: string) => functions.find(({ FunctionName }) => FunctionName === `carrierarr-${name}`);

  it.each(Object.keys(ENVIRONMENT))('%s gets exactly the variables that it parses', (name) => {
    const { Variables } = (named(name)?.Environment ?? {}) as { Variables: Record<string, unknown> };

    expect(Object.keys(Variables).sort()).toEqual(
      Object.keys(ENVIRONMENT[name as keyof typeof ENVIRONMENT].shape).sort(),
    );
    expect(JSON.stringify(flatten(Variables)).length).toBeLessThan(4096);
  });

  it('run on Node 24 on arm64', () => {
    for (const name of Object.keys(ENTRY_POINTS)) {
      expect(named(name)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], MemorySize: 512 });
    }
  });

  it('launch ends within the minute that a teardown’s proof waits for it', () => {
    expect(named('launch')?.Timeout).toBeLessThanOrEqual(60);
  });

  it('leave no log behind', () => {
    const groups = [...ofType(mesh, 'AWS::Logs::LogGroup'), ...ofType(fleet, 'AWS::Logs::LogGroup')];

    expect(groups.length).toBe(functions.length + 4);
    for (const [, group] of groups) {
      expect(group).toMatchObject({ DeletionPolicy: 'Delete', Properties: { RetentionInDays: 30 } });
    }
    for (const properties of functions) expect(properties.LoggingConfig).toBeDefined();
  });
});

describe('launch templates', () => {
  const templates = ofType(fleet, 'AWS::EC2::LaunchTemplate').map(
    ([, { Properties }]) =>
      flatten(Properties) as { LaunchTemplateName: string; LaunchTemplateData: Record<string, unknown> },
  );
  const data = (role: string) =>
    templates.find(({ LaunchTemplateName }) => LaunchTemplateName === `carrierarr-${role}`)?.LaunchTemplateData;

  it.each(['lighthouse', 'gpu-worker'])(
    '%s: IMDSv2, hop limit 1, tags in metadata, encrypted gp3, no key pair',
    (role) => {
      expect(data(role)).toMatchObject({
        ImageId: `resolve:ssm:/carrierarr/ami/${role}`,
        MetadataOptions: {
          HttpTokens: 'required',
          HttpEndpoint: 'enabled',
          HttpPutResponseHopLimit: 1,
          InstanceMetadataTags: 'enabled',
        },
        InstanceInitiatedShutdownBehavior: 'terminate',
        BlockDeviceMappings: [
          { Ebs: { VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true, VolumeInitializationRate: 300 } },
        ],
        NetworkInterfaces: [{ AssociatePublicIpAddress: true, DeleteOnTermination: true }],
      });
      expect(data(role)).not.toHaveProperty('KeyName');
    },
  );

  it('tag network interfaces only, with keys that instance metadata allows', () => {
    for (const { LaunchTemplateData } of templates) {
      const tags = LaunchTemplateData.TagSpecifications as { ResourceType: string; Tags: { Key: string }[] }[];

      expect(tags.map(({ ResourceType }) => ResourceType)).toEqual(['network-interface']);
      for (const { Key } of tags.flatMap(({ Tags }) => Tags)) expect(Key).toMatch(/^[A-Za-z0-9+\-=.,_:@]+$/);
    }
  });

  it('carry user data that is the same for every worker of a role and holds no secret', () => {
    expect(String(data('gpu-worker')?.UserData)).toContain('CARRIERARR_SECRET_PREFIX=catalyst-llm\n');
    expect(String(data('gpu-worker')?.UserData)).not.toMatch(/PRIVATE KEY|K10|AKIA/);
  });

  it('take key pair, volume and instance profile from the configuration', () => {
    const configured = IN_EXISTING_VPC;

    configured.fleet.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateName: 'carrierarr-gpu-worker',
      LaunchTemplateData: {
        KeyName: 'hybrid-llm-key',
        IamInstanceProfile: { Name: 'mine' },
        BlockDeviceMappings: [{ Ebs: { VolumeSize: 100, VolumeInitializationRate: Match.absent() } }],
      },
    });
    configured.fleet.resourceCountIs('AWS::IAM::InstanceProfile', 0);
  });
});

describe('security groups', () => {
  const ingressOf = (template: typeof fleet, name: string) =>
    ofType(template, 'AWS::EC2::SecurityGroup')
      .map(([, { Properties }]) => Properties)
      .filter(({ GroupName }) => GroupName === `carrierarr-${name}`)
      .flatMap(({ SecurityGroupIngress = [] }) => SecurityGroupIngress as Record<string, unknown>[])
      .map(({ IpProtocol, FromPort, ToPort, CidrIp }) => `${IpProtocol} ${FromPort}-${ToPort} ${CidrIp}`);

  it('open 4242/udp to the world on workers, 32380/udp on the lighthouse, and nothing else', () => {
    expect(ingressOf(fleet, 'workers')).toEqual(['udp 4242-4242 0.0.0.0/0']);
    expect(ingressOf(fleet, 'lighthouse')).toEqual(['udp 32380-32380 0.0.0.0/0']);
  });

  it('let workers talk among themselves', () => {
    const [[, rule] = ['', undefined], ...more] = ofType(fleet, 'AWS::EC2::SecurityGroupIngress');

    expect(more).toEqual([]);
    expect(rule?.Properties).toMatchObject({ IpProtocol: '-1' });
    expect(rule?.Properties.GroupId).toEqual(rule?.Properties.SourceSecurityGroupId);
  });

  it('open an operator’s port to the ranges the operator names', () => {
    const { fleet: opened } = IN_EXISTING_VPC;

    expect(ingressOf(opened, 'lighthouse')).toContain('tcp 6443-6443 192.0.2.0/24');
    expect(ingressOf(opened, 'workers')).toContain('tcp 8080-8080 192.0.2.7/32');
  });

  it('follow ports that the configuration moves', () => {
    const gateway = ingressOf(IN_EXISTING_VPC.fleet, 'lighthouse').filter((rule) => rule.startsWith('udp'));

    expect(gateway).toEqual(['udp 32400-32400 198.51.100.0/24']);
  });

  it('open no gateway to the world where it is reached over the mesh, or not there at all', () => {
    expect(ingressOf(OVER_MESH.fleet, 'lighthouse')).toEqual([]);
    expect(ingressOf(WITHOUT_LIQO.fleet, 'lighthouse')).toEqual([]);
  });

  it('place every rule of the port table: each concerns all roles, or the lighthouse', () => {
    const placeable = PORTS.filter(({ securityGroup }) => securityGroup !== 'nobody');

    expect(placeable.every(({ roles }) => roles.length === 2 || roles[0] === 'lighthouse')).toBe(true);
  });
});

describe('the network', () => {
  it('is the fleet’s own by default: a public subnet per zone, no NAT', () => {
    fleet.resourceCountIs('AWS::EC2::Subnet', 4);
    fleet.resourceCountIs('AWS::EC2::NatGateway', 0);
    fleet.hasResourceProperties('AWS::EC2::Subnet', { AvailabilityZone: 'us-west-2d' });
    fleet.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
  });

  it('is an existing VPC where one is named', () => {
    const { fleet: existing } = IN_EXISTING_VPC;

    existing.resourceCountIs('AWS::EC2::VPC', 0);
    existing.hasResourceProperties('AWS::EC2::SecurityGroup', { VpcId: 'vpc-0abc12345678' });
    existing.hasOutput(OUTPUT.settings, { Value: Match.stringLikeRegexp('"subnetIds":\\["subnet-0abc12345678"\\]') });
  });
});
