import { Stack } from 'aws-cdk-lib';
import { CfnInstanceProfile, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Config } from './config.ts';
import { workerStatements } from './iam/worker-policy.ts';
import type { BakeAsset } from './images/bake-asset.ts';
import { functionRoleName } from './names.ts';

export interface WorkerIdentityProps {
  readonly config: Config;
  /** What a worker reads that installs itself. */
  readonly bundle: BakeAsset | undefined;
}

/** What a worker is to IAM: the fleet's own role and instance profile, or existing ones. */
export class WorkerIdentity extends Construct {
  readonly instanceProfileName: string;
  readonly roleArn: string;

  constructor(scope: Construct, id: string, { config, bundle }: WorkerIdentityProps) {
    super(scope, id);
    const existing = config.nodes.instanceProfile;
    if (existing !== undefined) {
      this.instanceProfileName = existing.name;
      this.roleArn = existing.roleArn;
      return;
    }
    const role = new Role(this, 'Role', {
      roleName: functionRoleName(config, 'worker'),
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description: 'A Carrierarr worker: is managed, reads its own secret, hands over credentials',
    });
    for (const statement of workerStatements({ stack: Stack.of(this), config })) role.addToPolicy(statement);
    if (bundle !== undefined) role.addToPolicy(bundle.read());
    const profile = new CfnInstanceProfile(this, 'Profile', {
      instanceProfileName: functionRoleName(config, 'worker'),
      roles: [role.roleName],
    });
    this.instanceProfileName = profile.ref;
    this.roleArn = role.roleArn;
  }
}
