import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Image,
} from '@aws-sdk/client-ec2';
import { GetParameterCommand, GetParametersCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { type NodeStart, ROLES } from '#contract';
import { checkImage, checkImageCosts } from '../../../cli/doctor/check-images.ts';
import { mockClient } from '../../support/mock-client.ts';
import { fleetSettings, NOW, REGION } from '../support/builders.ts';
import { anEc2Image, daysAgo } from '../support/images.ts';

const ssm = mockClient(SSMClient);
const ec2 = mockClient(EC2Client);
const ID = 'ami-0000000011';

beforeEach(() => {
  ssm.reset();
  ec2.reset();
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: ID } });
  ssm.on(GetParametersCommand).resolves({});
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeLaunchTemplatesCommand).resolves({});
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{ SnapshotId: 'snap-11', VolumeSize: 300 }] });
  found();
});

const found = (overrides: Partial<Image> = {}): void => {
  ec2.on(DescribeImagesCommand).resolves({ Images: [anEc2Image('11', {}, overrides)] });
};

const scope = (start: NodeStart = 'image') => ({
  ssm: new SSMClient({}),
  ec2: new EC2Client({}),
  settings: fleetSettings({ nodes: { start } }),
  region: REGION,
  now: NOW,
});

const check = async (start?: NodeStart) => (await checkImage(scope(start), 'gpu-worker'))[0];

describe('the check of an image', () => {
  it.each(ROLES)('says how to come by one for %s', async (role) => {
    ssm.on(GetParameterCommand).rejects(new ParameterNotFound({ message: '', $metadata: {} }));

    const [finding] = await checkImage(scope(), role);

    expect(finding).toMatchObject({ status: 'fail', detail: `parameter /carrierarr/ami/${role} does not exist` });
    expect(finding?.remedy).toContain(`carrierarr ami build ${role}`);
    expect(finding?.remedy).toContain(`carrierarr ami publish --manifest ami/manifest-${role}.json`);
  });

  it('is content with one of 90 days and warns of an older one', async () => {
    found({ CreationDate: daysAgo(90).toISOString() });
    expect(await check()).toMatchObject({ status: 'ok', detail: `${ID} is available` });

    found({ CreationDate: daysAgo(91).toISOString() });
    expect(await check()).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('91 days old'),
      remedy: expect.stringContaining('carrierarr ami build gpu-worker'),
    });
  });

  it("looks for Amazon's own where nodes start plain, whatever its age", async () => {
    found({ CreationDate: daysAgo(400).toISOString() });

    expect(await check('plain')).toMatchObject({ status: 'ok', detail: expect.stringContaining('plain') });
    expect(ssm.commandCalls(GetParameterCommand)[0]?.args[0].input.Name).toMatch(/^\/aws\/service\/ami-amazon-linux/);
  });

  it('asks for rights and not for a build where plain nodes have none', async () => {
    ssm.on(GetParameterCommand).rejects(new ParameterNotFound({ message: '', $metadata: {} }));

    expect(await check('plain')).toMatchObject({ status: 'fail', remedy: expect.stringContaining('ssm:GetParameter') });
  });
});

describe('the check of what images cost', () => {
  it('warns when they cost what somebody would notice, and says how to see which may go', async () => {
    expect(await checkImageCosts(scope())).toEqual([
      {
        check: 'images',
        status: 'warn',
        detail: '1 kept, 300.0 GiB, at most $15.00 a month',
        remedy: expect.stringContaining('carrierarr ami prune'),
      },
    ]);
  });

  it('only tells a small sum', async () => {
    ec2.on(DescribeSnapshotsCommand).resolves({
      Snapshots: [{ SnapshotId: 'snap-11', VolumeSize: 300, FullSnapshotSizeInBytes: 20 * 2 ** 30 }],
    });

    expect(await checkImageCosts(scope())).toMatchObject([
      { status: 'ok', detail: '1 kept, 20.0 GiB, at most $1.00 a month' },
    ]);
  });
});
