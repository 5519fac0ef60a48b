import { paginateDescribeInstanceInformation, type SSMClient } from '@aws-sdk/client-ssm';
import { type Finding, ok, warn } from './finding.ts';

/** The homelab's own node (a hybrid activation, `mi-…`), through which the cluster phases work in the homelab. */
export const checkHomelab = async (client: SSMClient): Promise<Finding[]> => {
  const check = 'homelab node';
  const findings: Finding[] = [];
  for await (const { InstanceInformationList = [] } of paginateDescribeInstanceInformation({ client }, {})) {
    for (const { InstanceId, PingStatus } of InstanceInformationList) {
      if (InstanceId?.startsWith('mi-') !== true) continue;
      if (PingStatus === 'Online') findings.push(ok(check, `${InstanceId} is online`));
      else findings.push(warn(check, `${InstanceId} is ${PingStatus}`, 'look at the SSM agent in the homelab'));
    }
  }
  if (findings.length > 0) return findings;
  const remedy =
    'nothing to do now: workers join the mesh without it; Liqo and peering in the homelab come with the cluster phases';
  return [warn(check, 'none activated yet', remedy)];
};
