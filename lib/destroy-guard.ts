import { Construct } from 'constructs';
import type { CodeFactory } from './bundling.ts';
import { CapabilityResource } from './capability-resource.ts';
import type { Config } from './config.ts';
import { allowEverywhere } from './iam/statement.ts';

export interface DestroyGuardProps {
  readonly config: Config;
  readonly code: CodeFactory;
  /** What must still be there when the guard is asked. */
  readonly protects: readonly Construct[];
}

/**
 * Refuses its own deletion while workers are alive. It depends on everything else, so that `cdk destroy` asks it first,
 * before what could still tear the workers down is gone.
 */
export class DestroyGuard extends Construct {
  constructor(scope: Construct, id: string, { config, code, protects }: DestroyGuardProps) {
    super(scope, id);
    const guard = new CapabilityResource(this, 'Guard', {
      capability: 'guard',
      config,
      code,
      statements: [allowEverywhere(['ec2:DescribeInstances'])],
      resourceType: 'Custom::DestroyGuard',
      properties: { fleet: config.fleet },
    });
    guard.resource.node.addDependency(...protects);
  }
}
