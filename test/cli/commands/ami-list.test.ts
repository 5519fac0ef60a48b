import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mockClient } from '../../support/mock-client.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { anEc2Image, daysAgo } from '../support/images.ts';

const ssm = mockClient(SSMClient);
const ec2 = mockClient(EC2Client);
const OURS = { 'carrierarr:fleet': 'carrierarr' };
const GIB = 2 ** 30;

let fleet: DeployedFleet;
beforeEach(async () => {
  ssm.reset();
  ec2.reset();
  fleet = await deployedFleet();
  ssm.on(GetParametersCommand).resolves({
    Parameters: [{ Name: '/carrierarr/ami/gpu-worker', Value: 'ami-0000000011' }],
  });
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeLaunchTemplatesCommand).resolves({});
  ec2.on(DescribeSnapshotsCommand).resolves({
    Snapshots: [
      { SnapshotId: 'snap-11', VolumeSize: 40, FullSnapshotSizeInBytes: 18.5 * GIB },
      { SnapshotId: 'snap-22', VolumeSize: 40 },
    ],
  });
  images(
    anEc2Image('11', { ...OURS, ...VERSIONS }),
    anEc2Image('22', OURS, { CreationDate: daysAgo(40).toISOString() }),
  );
});
afterEach(() => fleet.close());

const VERSIONS = {
  'carrierarr:nebula-version': '1.9.7',
  'carrierarr:k3s-version': 'v1.31.2+k3s1',
  'carrierarr:nvidia-driver-version': '580',
  'carrierarr:ollama-version': '0.12.0',
};

/** Those found by tag; the ones that parameters name are looked for by id. */
const images = (...tagged: ReturnType<typeof anEc2Image>[]): void => {
  const byTag = [{ Name: 'tag-key', Values: ['carrierarr:image'] }];
  ec2.on(DescribeImagesCommand).resolves({ Images: tagged.filter(({ ImageId }) => ImageId === 'ami-0000000011') });
  ec2.on(DescribeImagesCommand, { Filters: byTag }).resolves({ Images: tagged });
};

const listed = async () => {
  const { code, out } = await fleet.run('ami list --json');
  expect(code).toBe(0);
  return JSON.parse(out) as { images: Record<string, unknown>[]; total: Record<string, number> };
};

describe('ami list', () => {
  it('shows what each image holds, costs and is used for, newest first, and the sum', async () => {
    ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [
        {
          Instances: [
            { ImageId: 'ami-0000000011', InstanceId: 'i-1', Tags: workerTags('gpu-7', 'carrierarr') },
            { ImageId: 'ami-0000000022', InstanceId: 'i-2', Tags: workerTags('gpu-8', 'other') },
          ],
        },
      ],
    });

    const { code, out } = await fleet.run('ami list');

    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot('../../golden/cli/ami-list.txt');
  });

  it('says all of it to machines', async () => {
    const { images: rows, total } = await listed();

    expect(rows[0]).toMatchObject({
      id: 'ami-0000000011',
      image: 'gpu-worker',
      fleet: 'carrierarr',
      versions: { nebula: '1.9.7', k3s: 'v1.31.2+k3s1', 'nvidia-driver': '580', ollama: '0.12.0' },
      snapshots: ['snap-11'],
      snapshotGib: 18.5,
      usedBy: ['parameter /carrierarr/ami/gpu-worker'],
      publishedAs: ['gpu-worker'],
      keep: null,
    });
    expect(total).toEqual({ images: 2, snapshotGib: 58.5, dollarsPerMonth: expect.closeTo(2.925) });
  });

  it('finds launch templates of anybody that name an image, whatever their version', async () => {
    ec2.on(DescribeLaunchTemplatesCommand).resolves({
      LaunchTemplates: [{ LaunchTemplateId: 'lt-1', LaunchTemplateName: 'theirs' }],
    });
    ec2.on(DescribeLaunchTemplateVersionsCommand).resolves({
      LaunchTemplateVersions: [
        { VersionNumber: 3, LaunchTemplateData: { ImageId: 'resolve:ssm:/carrierarr/ami/gpu-worker' } },
        { VersionNumber: 2, LaunchTemplateData: { ImageId: 'ami-0000000022' } },
      ],
    });

    expect((await listed()).images[1]).toMatchObject({ usedBy: ['launch template theirs version 2'] });
  });

  it('asks for instances in every state but terminated', async () => {
    await listed();

    expect(ec2.commandCalls(DescribeInstancesCommand)[0]?.args[0].input.Filters).toEqual([
      { Name: 'image-id', Values: ['ami-0000000011', 'ami-0000000022'] },
      { Name: 'instance-state-name', Values: expect.arrayContaining(['pending', 'running', 'stopping', 'stopped']) },
    ]);
  });

  it("shows images that no fleet has published, and not another fleet's", async () => {
    images(anEc2Image('33'), anEc2Image('44', { 'carrierarr:fleet': 'other' }));

    const { out } = await fleet.run('ami list');

    expect(out).toMatch(/ami-0000000033 +gpu-worker +\S+ +unpublished/);
    expect(out).not.toContain('ami-0000000044');
  });

  it('shows what a parameter names even if nobody has tagged it', async () => {
    images();
    ec2.on(DescribeImagesCommand, { Filters: [{ Name: 'image-id', Values: ['ami-0000000011'] }] }).resolves({
      Images: [anEc2Image('11', {}, { Tags: [] })],
    });

    expect((await listed()).images).toMatchObject([{ id: 'ami-0000000011', image: null, publishedAs: ['gpu-worker'] }]);
  });

  it('says how to begin where there is none', async () => {
    images();

    expect((await fleet.run('ami list')).out).toContain('carrierarr ami build');
  });
});

const workerTags = (worker: string, of: string) => [
  { Key: 'carrierarr:worker', Value: worker },
  { Key: 'carrierarr:fleet', Value: of },
];
