import { readFileSync } from 'node:fs';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeSnapshotsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import {
  DescribeActivationsCommand,
  DescribeInstanceInformationCommand,
  GetParameterCommand,
  GetParametersCommand,
  ParameterNotFound,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OUTPUT } from '#contract';
import type { Finding } from '../../../cli/doctor/finding.ts';
import { mockClient } from '../../support/mock-client.ts';
import { fleetSettings } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const sts = mockClient(STSClient);
const ssm = mockClient(SSMClient);
const ec2 = mockClient(EC2Client);
const quotas = mockClient(ServiceQuotasClient);
const IMAGE = 'ami-0f24e5b7febd29ea3';

let fleet: DeployedFleet;
beforeEach(async () => {
  for (const client of [sts, ssm, ec2, quotas]) client.reset();
  fleet = await deployedFleet();
  sts.on(GetCallerIdentityCommand).resolves({ Arn: 'arn:aws:iam::1:user/me', Account: '1' });
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: IMAGE } });
  ssm.on(GetParametersCommand).resolves({});
  ssm.on(DescribeInstanceInformationCommand).resolves({ InstanceInformationList: [] });
  ssm.on(DescribeActivationsCommand).resolves({});
  ec2.on(DescribeImagesCommand).resolves({ Images: [{ ImageId: IMAGE, State: 'available' }] });
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeLaunchTemplatesCommand).resolves({});
  ec2.on(DescribeSnapshotsCommand).resolves({});
  ec2.on(DescribeInstanceTypesCommand).resolves({ InstanceTypes: [{ VCpuInfo: { DefaultVCpus: 4 } }] });
  quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 8 } });
  deploy();
});
afterEach(() => fleet.close());

/** The settings that the fleet stack was deployed with; an address as lighthouse needs no DNS. */
const deploy = (
  overrides: Parameters<typeof fleetSettings>[0] = {},
  mesh: { trustedCas?: string[]; lighthouseEndpoint?: string } = {},
) => {
  const base = fleetSettings(overrides);
  const settings = { ...base, mesh: { ...base.mesh, lighthouseEndpoint: '203.0.113.1:4242', ...mesh } };
  const stack = (StackStatus: 'CREATE_COMPLETE', Outputs: Record<string, string>) => ({
    Stacks: [
      {
        StackName: 'x',
        CreationTime: new Date(0),
        StackStatus,
        Outputs: Object.entries(Outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
      },
    ],
  });
  const outputs = { [OUTPUT.apiUrl]: fleet.api.url, [OUTPUT.settings]: JSON.stringify(settings) };
  fleet.cloudFormation
    .on(DescribeStacksCommand, { StackName: 'carrierarr-fleet' })
    .resolves(stack('CREATE_COMPLETE', outputs));
  fleet.cloudFormation
    .on(DescribeStacksCommand, { StackName: 'carrierarr-images' })
    .resolves(stack('CREATE_COMPLETE', {}))
    .on(DescribeStacksCommand, { StackName: 'carrierarr-steps' })
    .resolves(stack('CREATE_COMPLETE', {}));
};

const examine = async (): Promise<{ code: number; byCheck: Map<string, Finding> }> => {
  const { code, out } = await fleet.run('doctor --json');
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { code, byCheck: new Map(findings.map((finding) => [finding.check, finding])) };
};

describe('doctor', () => {
  it('fails without the CA of the homelab, since no worker could ever shake hands', async () => {
    const { code, byCheck } = await examine();

    expect(code).toBe(1);
    expect(byCheck.get('trusted CAs')).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('mesh.trustedCas'),
    });
    expect(byCheck.get('lighthouse trusts the fleet')).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('append the CA to pki.ca'),
    });
  });

  it('is content with a CA of the homelab', async () => {
    deploy({}, { trustedCas: [readFileSync('test/golden/cli/other.crt', 'utf8')] });

    const { code, byCheck } = await examine();

    expect(code).toBe(0);
    expect(byCheck.get('trusted CAs')).toMatchObject({ status: 'ok', detail: '1 configured' });
  });

  it('finds a fleet in order where only warnings are left', async () => {
    fleet.cloudFormation.on(DescribeStacksCommand, { StackName: 'carrierarr-mesh' }).resolves({
      Stacks: [{ StackName: 'x', CreationTime: new Date(0), StackStatus: 'UPDATE_COMPLETE' }],
    });

    const { code, byCheck } = await examine();

    expect(code).toBe(0);
    expect(byCheck.get('trust')?.status).toBe('ok');
    expect(byCheck.get('credentials')?.detail).toContain('arn:aws:iam::1:user/me');
    expect(byCheck.get('image gpu-worker')).toMatchObject({ status: 'ok', detail: `${IMAGE} is available` });
    expect(byCheck.get('quota spot for gpu-worker')?.status).toBe('ok');
    expect(byCheck.get('homelab node')).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('carrierarr homelab activate'),
    });
    expect(byCheck.get('session-manager-plugin')?.status).toBe('warn');
  });

  it.each([
    [
      'the parameter is missing',
      () => ssm.on(GetParameterCommand).rejects(new ParameterNotFound({ message: '', $metadata: {} })),
      'does not exist',
    ],
    [
      'the image is not here',
      () => ec2.on(DescribeImagesCommand).rejects(Object.assign(new Error('no'), { name: 'InvalidAMIID.NotFound' })),
      `${IMAGE} does not exist in us-west-2`,
    ],
    [
      'the image is still being made',
      () => ec2.on(DescribeImagesCommand).resolves({ Images: [{ State: 'pending' }] }),
      'is pending',
    ],
  ])('fails when %s', async (_, arrange, detail) => {
    arrange();

    const { code, byCheck } = await examine();

    expect(code).toBe(1);
    expect(byCheck.get('image gpu-worker')).toMatchObject({ status: 'fail', detail: expect.stringContaining(detail) });
  });

  it('knows that the embedded cloud plays Amazon Linux', async () => {
    deploy({ nodes: { start: 'plain' } });

    const { out } = await fleet.run('doctor --json', { environment: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' } });

    expect(out).toContain('Amazon Linux, played by the embedded cloud');
  });

  it('fails when no allowed market has quota for one GPU worker, and names the quota to raise', async () => {
    quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 0 } });

    const { byCheck } = await examine();

    expect(byCheck.get('quota spot for gpu-worker')).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('L-3819A6DF'),
    });
    expect(byCheck.get('quota on-demand for gpu-worker')).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('L-DB2E81BA'),
    });
  });

  it('only warns when the fall-back has quota', async () => {
    quotas.on(GetServiceQuotaCommand, { QuotaCode: 'L-3819A6DF' }).resolves({ Quota: { Value: 0 } });

    const { byCheck } = await examine();

    expect(byCheck.get('quota spot for gpu-worker')?.status).toBe('warn');
    expect(byCheck.get('quota on-demand for gpu-worker')?.status).toBe('ok');
  });

  it('warns when quotas may not be read rather than giving up', async () => {
    quotas.on(GetServiceQuotaCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));

    expect((await examine()).byCheck.get('quotas')?.status).toBe('warn');
  });

  it('asks for no quota on the embedded cloud', async () => {
    const { out } = await fleet.run('doctor --json', { environment: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' } });

    expect(out).toContain('do not count on the embedded cloud');
    expect(quotas.calls()).toHaveLength(0);
  });

  it('shows the node of the homelab where there is one', async () => {
    const node = { InstanceId: 'mi-0123456789abcdef0', PingStatus: 'Online' as const, AgentVersion: '3.3.2746.0' };
    ssm.on(DescribeInstanceInformationCommand).resolves({ InstanceInformationList: [node] });

    expect((await examine()).byCheck.get('homelab node')).toMatchObject({
      status: 'ok',
      detail: 'mi-0123456789abcdef0 is online, agent 3.3.2746.0',
    });
  });

  it('fails when the lighthouse does not resolve', async () => {
    deploy({}, { lighthouseEndpoint: 'nobody.invalid:4242' });

    expect((await examine()).byCheck.get('lighthouse endpoint')).toMatchObject({
      status: 'fail',
      detail: 'nobody.invalid does not resolve',
    });
  });

  it('fails when the fleet was configured for another region', async () => {
    deploy({ region: 'eu-west-1' });

    expect((await examine()).byCheck.get('region')?.status).toBe('fail');
  });

  it('stops at credentials that do not work', async () => {
    sts.on(GetCallerIdentityCommand).rejects(Object.assign(new Error('x'), { name: 'ExpiredToken' }));

    const { code, byCheck } = await examine();

    expect(code).toBe(1);
    expect([...byCheck.keys()]).toEqual(['credentials', 'session-manager-plugin']);
    expect(byCheck.get('credentials')?.remedy).toContain('aws sso login');
  });

  it('names the stacks that are missing or broken', async () => {
    fleet.cloudFormation
      .on(DescribeStacksCommand, { StackName: 'carrierarr-fleet' })
      .rejects(new Error('Stack with id x does not exist'));
    fleet.cloudFormation.on(DescribeStacksCommand, { StackName: 'carrierarr-mesh' }).resolves({
      Stacks: [{ StackName: 'x', CreationTime: new Date(0), StackStatus: 'ROLLBACK_COMPLETE' }],
    });

    const { byCheck } = await examine();

    expect(byCheck.get('stack carrierarr-fleet')).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('cdk deploy'),
    });
    expect(byCheck.get('stack carrierarr-mesh')).toMatchObject({ status: 'fail', detail: 'ROLLBACK_COMPLETE' });
    expect(byCheck.has('image gpu-worker')).toBe(false);
  });

  it('prints a line for each finding and the remedy under it', async () => {
    const { out, err } = await fleet.run('doctor');

    expect(out).toMatch(/^ok {4}credentials +arn:aws:iam::1:user\/me/);
    expect(out).toMatch(/\nFAIL {2}trusted CAs +none configured.*\n +remedy: put the PEM/);
    expect(err).toMatch(/error: 1 of \d+ checks failed: trusted CAs/);
  });
});
