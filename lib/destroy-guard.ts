import { CustomResource, Duration } from 'aws-cdk-lib';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { CodeFactory } from './bundling.ts';
import { CapabilityFunction } from './capability-function.ts';
import type { Config } from './config.ts';
import { allowEverywhere } from './iam/statement.ts';

export interface DestroyGuardProps {
  readonly config: Config;
  readonly code: CodeFactory;
}

/**
 * Refuses its own deletion while workers are alive. It depends on everything else, so that `cdk destroy` asks it first,
 * before what could still tear the workers down is gone.
 */
export class DestroyGuard extends Construct {
  private readonly resource: CustomResource;

  constructor(scope: Construct, id: string, { config, code }: DestroyGuardProps) {
    super(scope, id);
    const onEvent = new CapabilityFunction(this, 'OnEvent', {
      capability: 'guard',
      config,
      code,
      environment: { FLEET: config.fleet },
      statements: [allowEverywhere(['ec2:DescribeInstances'])],
    });
    const provider = new Provider(this, 'Provider', { onEventHandler: onEvent.function });
    this.resource = new CustomResource(this, 'Guard', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::DestroyGuard',
      serviceTimeout: Duration.minutes(5),
      properties: { fleet: config.fleet },
    });
  }

  /** Call last: the guard then goes first. */
  protect(everything: readonly Construct[]): void {
    this.resource.node.addDependency(...everything);
  }
}
