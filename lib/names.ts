import { ArnFormat, type Stack } from 'aws-cdk-lib';
import { functionName, stateMachineName } from '#contract';
import type { Config } from './config.ts';

/** IAM is global: the region keeps fleets of one name in two regions apart. At most 64 characters. */
export const functionRoleName = (config: Config, capability: string): string =>
  `${functionName(config.fleet, capability)}-${config.region}`;

/** Role of the homelab's node; not that of the function `homelab`. */
export const homelabNodeRoleName = (config: Config): string => functionRoleName(config, 'homelab-node');

/** Role of the homelab's control plane, which puts events on the bus. */
export const controlPlaneRoleName = (config: Config): string => functionRoleName(config, 'control-plane');

/**
 * ARNs of what another stack or a function that comes earlier must name: taken from the fixed names, so that no
 * resource has to exist first.
 */
export const roleArn = (stack: Stack, roleName: string): string =>
  stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: roleName });

export const stateMachineArn = (stack: Stack, fleet: string, machine: Parameters<typeof stateMachineName>[1]): string =>
  stack.formatArn({
    service: 'states',
    resource: 'stateMachine',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    resourceName: stateMachineName(fleet, machine),
  });

export const executionsArn = (stack: Stack, fleet: string, machine: Parameters<typeof stateMachineName>[1]): string =>
  stack.formatArn({
    service: 'states',
    resource: 'execution',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    resourceName: `${stateMachineName(fleet, machine)}:*`,
  });

/** A node that an activation made: `mi-…`; its id may be left out, or be `*`. */
export const managedInstanceArn = ({ partition, region, account }: Stack, id: string): string =>
  `arn:${partition}:ssm:${region}:${account}:managed-instance/${id}`;

/** A worker's instance. */
export const instanceArn = ({ partition, region, account }: Stack, id: string): string =>
  `arn:${partition}:ec2:${region}:${account}:instance/${id}`;
