import { DescribeInstanceInformationCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { type Finding, ok, warn } from './finding.ts';

/** The homelab's own node (a hybrid activation, `mi-…`), through which the cluster phases work in the homelab. */
export const checkHomelab = async (ssm: SSMClient): Promise<Finding[]> => {
  const check = 'homelab node';
  const { InstanceInformationList = [] } = await ssm.send(
    new DescribeInstanceInformationCommand({ Filters: [{ Key: 'ResourceType', Values: ['ManagedInstance'] }] }),
  );
  const nodes = InstanceInformationList.filter(({ InstanceId }) => InstanceId?.startsWith('mi-'));
  if (nodes.length === 0) {
    return [
      warn(
        check,
        'none activated yet',
        'nothing to do now: workers join the mesh without it; Liqo and peering in the homelab come with the cluster phases',
      ),
    ];
  }
  return nodes.map(({ InstanceId, PingStatus }) =>
    PingStatus === 'Online'
      ? ok(check, `${InstanceId} is online`)
      : warn(check, `${InstanceId} is ${PingStatus}`, 'look at the SSM agent in the homelab'),
  );
};
