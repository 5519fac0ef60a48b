import {
  CancelSpotInstanceRequestsCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeVolumesCommand,
  EC2Client,
  EC2ServiceException,
} from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { createImagesEc2, createLeftoversEc2 } from '#shared/aws/ec2-leftovers.ts';
import { mockClient } from '../../../support/mock-client.ts';

const mock = mockClient(EC2Client);
beforeEach(() => mock.reset());
const client = new EC2Client({ region: 'us-west-2' });
const leftovers = createLeftoversEc2(client);
const images = createImagesEc2(client);
const failure = (name: string) =>
  new EC2ServiceException({ name, $fault: 'client', message: 'said EC2', $metadata: { httpStatusCode: 400 } });

describe('what an instance leaves', () => {
  it('volumes are found by their tags', async () => {
    mock.on(DescribeVolumesCommand).resolves({ Volumes: [{ VolumeId: 'vol-1', State: 'available', Tags: [] }] });

    expect(await leftovers.volumes({ 'carrierarr:worker': 'w' })).toEqual([
      { volumeId: 'vol-1', state: 'available', tags: {} },
    ]);
    expect(mock.commandCalls(DescribeVolumesCommand)[0]?.args[0].input).toEqual({
      Filters: [{ Name: 'tag:carrierarr:worker', Values: ['w'] }],
    });
  });

  it('interfaces are found by what they are attached to: CreateFleet cannot tag them', async () => {
    mock.on(DescribeNetworkInterfacesCommand).resolves({
      NetworkInterfaces: [{ NetworkInterfaceId: 'eni-1', Attachment: { InstanceId: 'i-1' } }],
    });

    expect(await leftovers.interfacesOf(['i-1'])).toEqual([{ interfaceId: 'eni-1', instanceId: 'i-1' }]);
    expect(mock.commandCalls(DescribeNetworkInterfacesCommand)[0]?.args[0].input).toEqual({
      Filters: [{ Name: 'attachment.instance-id', Values: ['i-1'] }],
    });
  });

  it('Spot requests are found by the instance they made', async () => {
    mock.on(DescribeSpotInstanceRequestsCommand).resolves({
      SpotInstanceRequests: [{ SpotInstanceRequestId: 'sir-1', State: 'closed' }],
    });

    expect(await leftovers.spotRequestsOf(['i-1'])).toEqual([{ requestId: 'sir-1', state: 'closed' }]);
  });

  it('is not asked about when no instance is known: an empty filter would match nothing or everything', async () => {
    expect(await leftovers.interfacesOf([])).toEqual([]);
    expect(await leftovers.spotRequestsOf([])).toEqual([]);
    await leftovers.cancelSpotRequests([]);
    expect(mock.calls()).toHaveLength(0);
  });

  it('a Spot request that EC2 has forgotten needs no cancelling', async () => {
    mock.on(CancelSpotInstanceRequestsCommand).rejects(failure('InvalidSpotInstanceRequestID.NotFound'));

    await expect(leftovers.cancelSpotRequests(['sir-1'])).resolves.toBeUndefined();
  });
});

describe('images', () => {
  it('of the account are ours', async () => {
    mock.on(DescribeImagesCommand, { Owners: ['self'] }).resolves({ Images: [{ ImageId: 'ami-1', Name: 'catalyst' }] });

    expect(await images.image('ami-1')).toEqual({ imageId: 'ami-1', name: 'catalyst', ownedByUs: true });
  });

  it('of others are not', async () => {
    mock.on(DescribeImagesCommand).resolves({ Images: [{ ImageId: 'ami-1' }] });
    mock.on(DescribeImagesCommand, { Owners: ['self'] }).resolves({ Images: [] });

    expect(await images.image('ami-1')).toMatchObject({ ownedByUs: false });
  });

  it('that EC2 does not know are absent', async () => {
    mock.on(DescribeImagesCommand).rejects(failure('InvalidAMIID.NotFound'));

    expect(await images.image('ami-1')).toBeUndefined();
  });

  it('take their snapshots along in the one call, and only deleted ones are reported', async () => {
    mock.on(DeregisterImageCommand).resolves({
      DeleteSnapshotResults: [
        { SnapshotId: 'snap-1', ReturnCode: 'success' },
        { SnapshotId: 'snap-2', ReturnCode: 'skipped' },
      ],
    });

    expect(await images.deregisterImage('ami-1')).toEqual(['snap-1']);
    expect(mock.commandCalls(DeregisterImageCommand)[0]?.args[0].input).toEqual({
      ImageId: 'ami-1',
      DeleteAssociatedSnapshots: true,
    });
  });

  it('that are gone already need no deregistering', async () => {
    mock.on(DeregisterImageCommand).rejects(failure('InvalidAMIID.Unavailable'));

    expect(await images.deregisterImage('ami-1')).toEqual([]);
  });
});
