import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Config } from './config.ts';
import { homelabNodeStatements } from './iam/homelab-policy.ts';
import { homelabNodeRoleName } from './names.ts';

export interface HomelabNodeProps {
  readonly config: Config;
}

/** What the homelab's node is to IAM. The node itself comes to be by an activation, which names this role. */
export class HomelabNode extends Construct {
  constructor(scope: Construct, id: string, { config }: HomelabNodeProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const role = new Role(this, 'Role', {
      roleName: homelabNodeRoleName(config),
      description: 'The node of the homelab: is managed, hands over credentials, nothing else',
      // Systems Manager may assume it for activations of this account and Region alone (confused deputy).
      assumedBy: new ServicePrincipal('ssm.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnEquals: { 'aws:SourceArn': stack.formatArn({ service: 'ssm', resource: '*' }) },
        },
      }),
    });
    for (const statement of homelabNodeStatements({ stack, config })) role.addToPolicy(statement);
  }
}
