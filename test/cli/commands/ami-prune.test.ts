import {
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mockClient } from '../../support/mock-client.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { anEc2Image, daysAgo } from '../support/images.ts';

const ssm = mockClient(SSMClient);
const ec2 = mockClient(EC2Client);
const OURS = { 'carrierarr:fleet': 'carrierarr' };

/** Four images, the oldest of them published. */
const FOUR = ['11', '22', '33', '44'].map((part, at) =>
  anEc2Image(part, OURS, { CreationDate: daysAgo(at + 1).toISOString() }),
);

let fleet: DeployedFleet;
beforeEach(async () => {
  ssm.reset();
  ec2.reset();
  fleet = await deployedFleet();
  publish('ami-0000000044');
  ec2.on(DescribeImagesCommand).resolves({ Images: FOUR });
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeLaunchTemplatesCommand).resolves({});
  snapshots();
  ec2.on(DeregisterImageCommand).callsFake(({ ImageId }: { ImageId: string }) => ({
    DeleteSnapshotResults: [{ SnapshotId: ImageId.replace('ami-00000000', 'snap-'), ReturnCode: 'success' }],
  }));
  ec2.on(DeleteSnapshotCommand).resolves({});
  ec2.on(DeleteTagsCommand).resolves({});
});
afterEach(() => fleet.close());

const publish = (id: string): void => {
  ssm.on(GetParametersCommand).resolves({ Parameters: [{ Name: '/carrierarr/ami/gpu-worker', Value: id }] });
};

/** Those of the four images, and others that carry the fleet's tags. */
const snapshots = (...others: Snapshot[]): void => {
  const own = FOUR.map((_, at): Snapshot => ({ SnapshotId: `snap-${at + 1}${at + 1}`, VolumeSize: 40 }));
  ec2.on(DescribeSnapshotsCommand).callsFake(({ Filters: [first] }: { Filters: { Name: string }[] }) => ({
    Snapshots: first?.Name === 'snapshot-id' ? own : others,
  }));
};

const failure = (name: string, message = name): Error => Object.assign(new Error(message), { name });

const deregistered = (): (string | undefined)[] =>
  ec2.commandCalls(DeregisterImageCommand).map(({ args }) => args[0].input.ImageId);

const changes = (): unknown[] => [
  ...ec2.commandCalls(DeregisterImageCommand),
  ...ec2.commandCalls(DeleteSnapshotCommand),
  ...ec2.commandCalls(DeleteTagsCommand),
];

describe('ami prune', () => {
  it('only shows what it would do, and what that saves', async () => {
    const { code, out } = await fleet.run('ami prune --keep 1');

    expect(code).toBe(0);
    expect(changes()).toEqual([]);
    await expect(out).toMatchFileSnapshot('../../golden/cli/ami-prune.txt');
  });

  it('removes images with their snapshots when told so, never the published one', async () => {
    const { code, out } = await fleet.run('ami prune --keep 1 --yes');

    expect(code).toBe(0);
    expect(deregistered()).toEqual(['ami-0000000022', 'ami-0000000033']);
    expect(ec2.commandCalls(DeregisterImageCommand)[0]?.args[0].input.DeleteAssociatedSnapshots).toBe(true);
    expect(out).toContain('removed image ami-0000000022\nremoved snapshot snap-22\n');
    expect(out).toContain('removed 2 images: 80.0 GiB, at most $4.00 a month');
  });

  it('keeps three of each kind unless told otherwise', async () => {
    publish('ami-0000000011');

    await fleet.run('ami prune --yes');

    expect(deregistered()).toEqual(['ami-0000000044']);
  });

  it('goes on after a refusal, reports each result, and ends with 1', async () => {
    ec2.on(DeregisterImageCommand, { ImageId: 'ami-0000000022' }).rejects(failure('UnauthorizedOperation', 'not you'));

    const { code, out, err } = await fleet.run('ami prune --keep 1 --yes');

    expect(code).toBe(1);
    expect(out).toContain('failed  image ami-0000000022: these credentials may not do that (not you)');
    expect(out).toContain('removed image ami-0000000033');
    expect(err).toContain('1 of 3 could not be removed: ami-0000000022');
  });

  it('keeps one after all that somebody has published while it was at it', async () => {
    ec2.on(DeregisterImageCommand, { ImageId: 'ami-0000000022' }).callsFake(() => {
      publish('ami-0000000033');
      return {};
    });

    const { code, out } = await fleet.run('ami prune --keep 1 --yes');

    expect(code).toBe(0);
    expect(out).toContain('kept    image ami-0000000033: parameter /carrierarr/ami/gpu-worker');
    expect(out).toContain('removed 1 image: 40.0 GiB');
    expect(deregistered()).toEqual(['ami-0000000022']);
  });

  it('is content with what is gone already', async () => {
    ec2.on(DeregisterImageCommand).rejects(failure('InvalidAMIID.NotFound'));

    const { code, out } = await fleet.run('ami prune --keep 1 --yes');

    expect(code).toBe(0);
    expect(out).toContain('absent  image ami-0000000022');
  });

  it('tries a snapshot by itself where EC2 did not delete it with the image, and says why it stays', async () => {
    ec2.on(DeregisterImageCommand).resolves({
      DeleteSnapshotResults: [{ SnapshotId: 'snap-22', ReturnCode: 'missing-permissions' }],
    });
    ec2.on(DeleteSnapshotCommand, { SnapshotId: 'snap-22' }).rejects(failure('InvalidSnapshot.InUse', 'in use by x'));

    const { code, out } = await fleet.run('ami prune --keep 1 --yes');

    expect(code).toBe(1);
    expect(out).toContain('failed  snapshot snap-22: InvalidSnapshot.InUse: in use by x');
    expect(out).toContain('removed snapshot snap-33');
  });

  it('removes old snapshots of the fleet that an earlier prune has left', async () => {
    publish('ami-0000000011');
    snapshots(
      { SnapshotId: 'snap-left', StartTime: daysAgo(2), VolumeSize: 8 },
      { SnapshotId: 'snap-young', StartTime: daysAgo(0.5), VolumeSize: 8 },
      { SnapshotId: 'snap-kept', StartTime: daysAgo(2), Tags: [{ Key: 'carrierarr:keep', Value: 'true' }] },
      { SnapshotId: 'snap-11', StartTime: daysAgo(2), VolumeSize: 8 },
    );

    const { out } = await fleet.run('ami prune --keep 10 --yes');

    expect(out).toContain('removed snapshot snap-left');
    expect(ec2.commandCalls(DeleteSnapshotCommand).map(({ args }) => args[0].input.SnapshotId)).toEqual(['snap-left']);
  });

  it('takes a stale mark away, and leaves the image to the next prune', async () => {
    publish('ami-0000000011');
    const marked = anEc2Image('22', { ...OURS, 'carrierarr:keep': 'published' });
    ec2.on(DescribeImagesCommand).resolves({ Images: [FOUR[0] ?? marked, marked] });

    const { out } = await fleet.run('ami prune --keep 1 --yes');

    expect(out).toContain('ami-0000000022 is marked as published and is not any more');
    expect(deregistered()).toEqual([]);
    expect(ec2.commandCalls(DeleteTagsCommand)[0]?.args[0].input).toEqual({
      Resources: ['ami-0000000022'],
      Tags: [{ Key: 'carrierarr:keep', Value: 'published' }],
    });
  });

  it('answers machines in one document', async () => {
    const { out } = await fleet.run('ami prune --keep 1 --yes --json');

    expect(JSON.parse(out)).toMatchObject({
      dryRun: false,
      images: expect.arrayContaining([
        { id: 'ami-0000000011', image: 'gpu-worker', verdict: 'stays', reasons: ['one of the newest 1'] },
        { id: 'ami-0000000022', image: 'gpu-worker', verdict: 'remove', reasons: [] },
      ]),
      snapshotGib: 80,
      results: expect.arrayContaining([{ kind: 'image', id: 'ami-0000000033', outcome: 'removed', detail: '' }]),
    });
  });

  it.each(['--keep 0', '--keep 1.5', '--keep many', '--role windows'])(
    'refuses %s before AWS is asked',
    async (words) => {
      const { code } = await fleet.run(`ami prune --yes ${words}`);

      expect(code).toBe(2);
      expect(fleet.cloudFormation.calls()).toHaveLength(0);
    },
  );
});
