import { type _InstanceType, DescribeInstanceTypesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { GetServiceQuotaCommand, type ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { FleetSettings, Market, Role } from '#contract';
import { type Finding, fail, ok, warn } from './finding.ts';

/** vCPUs of G and VT instances: 0 in a new account, so that no GPU can be launched. */
const QUOTA: Readonly<Record<Market, { code: string; title: string }>> = {
  'on-demand': { code: 'L-DB2E81BA', title: 'Running On-Demand G and VT instances' },
  spot: { code: 'L-3819A6DF', title: 'All G and VT Spot Instance Requests' },
};

const GPU_FAMILY = /^(g\d|vt\d)/;
/** g4dn.xlarge, the smallest of the family. */
const SMALLEST = 4;

const readQuota = async (quotas: ServiceQuotasClient, market: Market): Promise<number> => {
  const { Quota } = await quotas.send(
    new GetServiceQuotaCommand({ ServiceCode: 'ec2', QuotaCode: QUOTA[market].code }),
  );
  return Quota?.Value ?? 0;
};

/** vCPUs of the smallest type that would do; a guess where types cannot be read, since the quota matters more. */
const neededVcpus = async (ec2: EC2Client, types: readonly string[]): Promise<number> => {
  try {
    const command = new DescribeInstanceTypesCommand({ InstanceTypes: [...types] as _InstanceType[] });
    const { InstanceTypes = [] } = await ec2.send(command);
    const vcpus = InstanceTypes.flatMap(({ VCpuInfo }) => VCpuInfo?.DefaultVCpus ?? []);
    return vcpus.length === 0 ? SMALLEST : Math.min(...vcpus);
  } catch {
    return SMALLEST;
  }
};

const judge = (role: Role, settings: FleetSettings['roles'][Role], needed: number, have: Map<Market, number>) => {
  const suffices = (market: Market): boolean => (have.get(market) ?? 0) >= needed;
  const markets: Market[] =
    settings.market === 'spot' && settings.onDemandFallback ? ['spot', 'on-demand'] : [settings.market];
  const usable = markets.some(suffices);
  return markets.map((market): Finding => {
    const { code, title } = QUOTA[market];
    const check = `quota ${market} for ${role}`;
    const detail = `${title} (${code}): ${have.get(market) ?? 0} vCPUs, one worker needs ${needed}`;
    if (suffices(market)) return ok(check, detail);
    const remedy = `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${code} --desired-value ${needed * 2}`;
    return usable ? warn(check, detail, remedy) : fail(check, detail, remedy);
  });
};

/** Whether the account may run at least one worker of every role that needs a GPU, in the markets the role may use. */
export const checkQuotas = async (
  quotas: ServiceQuotasClient,
  ec2: EC2Client,
  settings: FleetSettings,
): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const [role, roleSettings] of Object.entries(settings.roles) as [Role, FleetSettings['roles'][Role]][]) {
    const types = roleSettings.instanceTypes.filter((type) => GPU_FAMILY.test(type));
    if (types.length === 0) continue;
    const [spot, onDemand, needed] = await Promise.all([
      readQuota(quotas, 'spot'),
      readQuota(quotas, 'on-demand'),
      neededVcpus(ec2, types),
    ]);
    const have = new Map<Market, number>([
      ['spot', spot],
      ['on-demand', onDemand],
    ]);
    findings.push(...judge(role, roleSettings, needed, have));
  }
  return findings;
};
