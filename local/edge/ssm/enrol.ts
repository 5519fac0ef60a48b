import { newId } from '../ec2/ids.ts';
import type { Activations } from './activations.ts';
import type { Registration } from './model.ts';

export interface EnrolRequest {
  readonly activationId: string;
  readonly activationCode: string;
  readonly ipAddress: string;
  readonly region: string;
  readonly accountId: string;
}

/**
 * Gives a machine outside EC2 its identity: what happens when its agent starts with `-register`.
 * @throws AwsRefusal InvalidActivation
 */
export const enrol = (activations: Activations, request: EnrolRequest): Registration => {
  const { activationId, activationCode, ipAddress, region, accountId } = request;
  const { iamRole, instanceName, tags } = activations.redeem(activationId, activationCode);
  const instanceId = newId('mi');
  return {
    instanceId,
    arn: `arn:aws:ssm:${region}:${accountId}:managed-instance/${instanceId}`,
    ipAddress,
    tags,
    hybrid: { activationId, iamRole, name: instanceName },
  };
};
