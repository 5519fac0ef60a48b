import {
  DescribeInstancesCommand,
  EC2Client,
  EC2ServiceException,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { createInstances } from '#shared/aws/ec2-instances.ts';
import { mockClient } from '../../../support/mock-client.ts';

const mock = mockClient(EC2Client);
beforeEach(() => mock.reset());
const ec2 = (region = 'us-west-2') => createInstances(new EC2Client({ region }), region);
const failure = (name: string) =>
  new EC2ServiceException({ name, $fault: 'client', message: 'said EC2', $metadata: { httpStatusCode: 400 } });

describe('instances', () => {
  it('are read from every page and every reservation', async () => {
    const launchedAt = new Date('2026-11-21T10:00:00Z');
    mock
      .on(DescribeInstancesCommand)
      .resolvesOnce({
        NextToken: 'n',
        Reservations: [
          {
            OwnerId: '111122223333',
            Instances: [
              {
                InstanceId: 'i-1',
                InstanceType: 'g4dn.xlarge',
                InstanceLifecycle: 'spot',
                SpotInstanceRequestId: 'sir-1',
                ImageId: 'ami-1',
                LaunchTime: launchedAt,
                Placement: { AvailabilityZone: 'us-west-2a' },
                State: { Name: 'shutting-down' },
                StateReason: { Code: 'Server.SpotInstanceTermination' },
                PrivateIpAddress: '10.0.0.10',
                PublicIpAddress: '203.0.113.10',
                Tags: [{ Key: 'Name', Value: 'carrierarr-gpu-worker-001' }],
              },
            ],
          },
        ],
      })
      .resolves({ Reservations: [{}, { OwnerId: '111122223333', Instances: [{ InstanceId: 'i-2' }] }] });

    const found = await ec2().instances({});

    expect(found[0]).toEqual({
      instanceId: 'i-1',
      instanceArn: 'arn:aws:ec2:us-west-2:111122223333:instance/i-1',
      instanceType: 'g4dn.xlarge',
      availabilityZone: 'us-west-2a',
      state: 'shutting-down',
      stateReason: 'Server.SpotInstanceTermination',
      market: 'spot',
      imageId: 'ami-1',
      privateIp: '10.0.0.10',
      publicIp: '203.0.113.10',
      launchedAt,
      spotRequestId: 'sir-1',
      tags: { Name: 'carrierarr-gpu-worker-001' },
    });
    expect(found[1]).toMatchObject({
      instanceId: 'i-2',
      market: 'on-demand',
      privateIp: '',
      spotRequestId: '',
      tags: {},
    });
  });

  it('are asked for by filters alone, so that an unknown id is an empty answer', async () => {
    mock.on(DescribeInstancesCommand).resolves({});

    await ec2().instances({
      tags: { 'carrierarr:fleet': 'carrierarr' },
      instanceIds: ['i-1'],
      imageId: 'ami-1',
      states: ['running'],
    });

    expect(mock.commandCalls(DescribeInstancesCommand)[0]?.args[0].input).toEqual({
      Filters: [
        { Name: 'tag:carrierarr:fleet', Values: ['carrierarr'] },
        { Name: 'instance-id', Values: ['i-1'] },
        { Name: 'image-id', Values: ['ami-1'] },
        { Name: 'instance-state-name', Values: ['running'] },
      ],
    });
  });

  it.each([
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
  ])('of %s have the ARN that their role sees there', async (region, partition) => {
    mock
      .on(DescribeInstancesCommand)
      .resolves({ Reservations: [{ OwnerId: '1', Instances: [{ InstanceId: 'i-1' }] }] });

    expect((await ec2(region).instances({}))[0]?.instanceArn).toBe(`arn:${partition}:ec2:${region}:1:instance/i-1`);
  });
});

describe('terminate', () => {
  it('sends nothing when there is nothing to end', async () => {
    await ec2().terminate([]);

    expect(mock.calls()).toHaveLength(0);
  });

  it.each([
    ['InvalidInstanceID.NotFound', 'NotYetConsistentError'],
    ['OperationNotPermitted', 'ConfigurationError'],
    ['UnauthorizedOperation', 'PermissionError'],
  ])('turns %s into %s', async (code, name) => {
    mock.on(TerminateInstancesCommand).rejects(failure(code));

    await expect(ec2().terminate(['i-1'])).rejects.toMatchObject({ name });
  });
});
