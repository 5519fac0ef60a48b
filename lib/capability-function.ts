import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IDestination } from 'aws-cdk-lib/aws-lambda';
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { functionName } from '#contract';
import type { CodeFactory } from './bundling.ts';
import type { Config } from './config.ts';
import { ENTRY_POINTS, type FunctionName } from './entry-points.ts';
import { functionRoleName } from './names.ts';

export interface CapabilityFunctionProps {
  readonly capability: FunctionName;
  readonly config: Config;
  readonly code: CodeFactory;
  /** Exactly the variables that `ENVIRONMENT` of the contract names for this capability. */
  readonly environment: Record<string, string>;
  /** What the function may do beside writing its own log. */
  readonly statements: readonly PolicyStatement[];
  /**
   * Where an event goes that the function failed to handle after its retries.
   * @default - the function is not called asynchronously
   */
  readonly onFailure?: IDestination;
}

/** A Lambda with its own role and log group; nothing of it outlives the stack. */
export class CapabilityFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: CapabilityFunctionProps) {
    super(scope, id);
    const { capability, config } = props;
    const entry = ENTRY_POINTS[capability];
    const { logGroup, role } = roleAndLogs(this, config, capability);
    for (const statement of props.statements) role.addToPolicy(statement);
    this.function = new LambdaFunction(this, 'Function', {
      functionName: functionName(config.fleet, capability),
      description: entry.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout: Duration.seconds(entry.timeoutSeconds),
      handler: 'index.handler',
      code: props.code(capability),
      environment: props.environment,
      role,
      logGroup,
      ...(props.onFailure === undefined ? {} : { onFailure: props.onFailure }),
    });
  }
}

/** Role and log group of a function, both by its name: the role may write that log and nothing else yet. */
export const roleAndLogs = (scope: Construct, config: Config, name: string): { logGroup: LogGroup; role: Role } => {
  const logGroup = new LogGroup(scope, 'Logs', {
    logGroupName: `/aws/lambda/${functionName(config.fleet, name)}`,
    retention: config.operations.logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, 'Role', {
    roleName: functionRoleName(config, name),
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
  });
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
  return { logGroup, role };
};
