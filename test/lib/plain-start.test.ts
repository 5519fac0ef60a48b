import { describe, expect, it } from 'vitest';
import { flatten, resourcesOf, synthesise } from './support/app.ts';
import { allowing, listOf } from './support/policies.ts';

const PLAIN = synthesise({ nodes: { start: 'plain' }, limits: { bootSeconds: 1200 } });
const FROM_IMAGE = synthesise();
const AMAZON_LINUX = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';

const templatesOf = ({ fleet }: typeof PLAIN) =>
  Object.values(resourcesOf(fleet))
    .filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate')
    .map(({ Properties }) => flatten(Properties.LaunchTemplateData) as Record<string, unknown>);

describe('workers that install themselves', () => {
  const bundle = allowing(PLAIN.fleet, /^NodesIdentityRole/, 's3:GetObject');

  it('boot Amazon Linux 2023 by its public parameter', () => {
    expect(templatesOf(PLAIN).map(({ ImageId }) => ImageId)).toEqual([
      `resolve:ssm:${AMAZON_LINUX}`,
      `resolve:ssm:${AMAZON_LINUX}`,
    ]);
  });

  it('are told bundle, checksum and versions, in less than EC2 takes', () => {
    for (const { UserData } of templatesOf(PLAIN)) {
      expect(UserData).toMatch(/^CARRIERARR_BUNDLE_BUCKET=cdk-hnb659fds-assets-111122223333-us-west-2$/m);
      expect(UserData).toMatch(/^CARRIERARR_BUNDLE_KEY=[0-9a-f]{64}\.gz$/m);
      expect(UserData).toMatch(/^CARRIERARR_BUNDLE_SHA256=[0-9a-f]{64}$/m);
      expect(UserData).toMatch(/NEBULA_VERSION=1\.9\.0$/m);
      expect(UserData).toMatch(/CILIUM_VERSION=1\.16\.6\nexport LIQO_VERSION=1\.2\.0$/m);
      expect(UserData).toMatch(/K3S_VERSION=v1\.31\.2\+k3s1$/m);
      expect(UserData).not.toMatch(/@[A-Za-z]+@|PRIVATE KEY|AKIA/);
      expect(Buffer.byteLength(String(UserData))).toBeLessThan(16_384);
    }
  });

  it('read that bundle and nothing else in S3', () => {
    expect(bundle.map(({ Resource }) => Resource)).toEqual([
      expect.stringMatching(/^arn:aws:s3:::cdk-hnb659fds-assets-111122223333-us-west-2\/[0-9a-f]{64}\.gz$/),
    ]);
    expect(allowing(FROM_IMAGE.fleet, /^NodesIdentityRole/, 's3:GetObject')).toEqual([]);
  });

  it('still are what every worker is: IMDSv2, terminated by a shutdown, an encrypted volume', () => {
    for (const data of templatesOf(PLAIN)) {
      expect(data).toMatchObject({
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        InstanceInitiatedShutdownBehavior: 'terminate',
        BlockDeviceMappings: [{ Ebs: { Encrypted: true } }],
      });
    }
  });

  it('are given the time by the machine', () => {
    const definition = JSON.stringify(flatten(resourcesOf(PLAIN.fleet)));

    expect(definition).toContain('LimitSeconds');
    expect(definition).toMatch(/LimitSeconds[\\":]+1200/);
  });
});

describe('the launch', () => {
  const imagesOf = ({ fleet }: typeof PLAIN) =>
    allowing(fleet, /^Functionslaunch/, 'ec2:RunInstances').find(({ Resource }) =>
      listOf(Resource).some((arn) => /:image\//.test(arn)),
    )?.Condition;
  const parametersOf = ({ fleet }: typeof PLAIN) =>
    allowing(fleet, /^Functionslaunch/, 'ssm:GetParameters').flatMap(({ Resource }) => listOf(Resource));

  it('may start images of Amazon’s only where workers install themselves', () => {
    expect(imagesOf(PLAIN)).toEqual({ StringEquals: { 'ec2:Owner': ['111122223333', 'amazon'] } });
    expect(imagesOf(FROM_IMAGE)).toEqual({ StringEquals: { 'ec2:Owner': '111122223333' } });
  });

  it('reads the parameter that names the image, and no other', () => {
    expect(parametersOf(PLAIN)).toEqual([`arn:aws:ssm:us-west-2::parameter${AMAZON_LINUX}`]);
    expect(parametersOf(FROM_IMAGE)).toHaveLength(2);
  });
});
