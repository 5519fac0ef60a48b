import { CustomResource, Duration } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { functionName } from '#contract';
import type { CodeFactory } from './bundling.ts';
import { CapabilityFunction, roleAndLogs } from './capability-function.ts';
import type { Config } from './config.ts';

export interface CapabilityResourceProps {
  readonly capability: 'ca' | 'guard';
  readonly config: Config;
  readonly code: CodeFactory;
  /** What the handler may do. */
  readonly statements: readonly PolicyStatement[];
  /** Type of the resource, `Custom::…`. */
  readonly resourceType: string;
  /** What the handler gets as `ResourceProperties`. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * A custom resource with one of our handlers behind it. The framework's own function in between gets role and logs of
 * ours: its defaults write any log of the account and stay behind when the stack goes.
 */
export class CapabilityResource extends Construct {
  readonly resource: CustomResource;

  constructor(scope: Construct, id: string, props: CapabilityResourceProps) {
    super(scope, id);
    const { capability, config, code, statements, resourceType, properties } = props;
    const handler = new CapabilityFunction(this, 'OnEvent', {
      capability,
      config,
      code,
      environment: { FLEET: config.fleet },
      statements,
    });
    const framework = `${capability}-framework`;
    const { logGroup, role } = roleAndLogs(this, config, framework);
    const provider = new Provider(this, 'Provider', {
      onEventHandler: handler.function,
      providerFunctionName: functionName(config.fleet, framework),
      frameworkOnEventRole: role,
      logGroup,
    });
    this.resource = new CustomResource(this, 'Resource', {
      serviceToken: provider.serviceToken,
      resourceType,
      serviceTimeout: Duration.minutes(5),
      properties,
    });
  }
}
