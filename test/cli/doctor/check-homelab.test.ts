import { DescribeActivationsCommand, DescribeInstanceInformationCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkHomelab } from '../../../cli/doctor/check-homelab.ts';
import { mockClient } from '../../support/mock-client.ts';
import { NOW } from '../support/builders.ts';

const ssm = mockClient(SSMClient);
beforeEach(() => {
  ssm.reset();
  ssm.on(DescribeActivationsCommand).resolves({});
});

const check = async (...list: { InstanceId: string; PingStatus: 'Online' | 'Inactive'; AgentVersion?: string }[]) => {
  ssm.on(DescribeInstanceInformationCommand).resolves({ InstanceInformationList: list });
  return checkHomelab(new SSMClient({ region: 'us-west-2' }), 'carrierarr', NOW);
};

describe("the doctor's look at the homelab's node", () => {
  it('is content with one that is online and new enough', async () => {
    expect(await check({ InstanceId: 'mi-1', PingStatus: 'Online', AgentVersion: '3.3.2746.0' })).toMatchObject([
      { status: 'ok', detail: 'mi-1 is online, agent 3.3.2746.0' },
    ]);
  });

  it('fails on an agent that would hand no parameters to the steps', async () => {
    expect(await check({ InstanceId: 'mi-1', PingStatus: 'Online', AgentVersion: '3.3.2299.0' })).toMatchObject([
      { status: 'fail', detail: expect.stringContaining('3.3.2746.0'), remedy: expect.stringContaining('ssm-node') },
    ]);
  });

  it('fails on two that are online', async () => {
    const [finding] = await check(
      { InstanceId: 'mi-1', PingStatus: 'Online' },
      { InstanceId: 'mi-2', PingStatus: 'Online' },
    );

    expect(finding).toMatchObject({ status: 'fail', detail: expect.stringContaining('mi-1, mi-2') });
  });

  it('warns of one that is gone, beside one that is there', async () => {
    const findings = await check(
      { InstanceId: 'mi-1', PingStatus: 'Inactive' },
      { InstanceId: 'mi-2', PingStatus: 'Online' },
    );

    expect(findings.map(({ status }) => status)).toEqual(['ok', 'warn']);
  });

  it('warns where there is none, and of a forgotten activation', async () => {
    expect(await check()).toMatchObject([{ status: 'warn', remedy: expect.stringContaining('homelab activate') }]);

    const Tags = [
      { Key: 'carrierarr:fleet', Value: 'carrierarr' },
      { Key: 'carrierarr:role', Value: 'homelab' },
    ];
    ssm.on(DescribeActivationsCommand).resolves({ ActivationList: [{ ActivationId: 'a-1', Tags }] });
    expect(await check()).toMatchObject([{ status: 'warn', detail: expect.stringContaining('a-1') }]);
  });
});
