import type { FleetOutputs } from '../doors/outputs.ts';

/** Settings that the deployed fleet knows, by the name in `homelab/control-plane.env`. */
export type AwsEnvironment = Readonly<Record<`CONTROL_PLANE_AWS_${string}`, string>>;

/** @returns undefined where no trust anchor is deployed */
export const awsEnvironment = (outputs: FleetOutputs, region: string): AwsEnvironment | undefined => {
  const trustAnchor = outputs.find('controlPlaneTrustAnchor');
  if (trustAnchor === undefined) return undefined;
  return {
    CONTROL_PLANE_AWS_REGION: region,
    CONTROL_PLANE_AWS_BUS: outputs.get('eventBus'),
    CONTROL_PLANE_AWS_TRUST_ANCHOR_ARN: trustAnchor,
    CONTROL_PLANE_AWS_PROFILE_ARN: outputs.get('controlPlaneProfile'),
    CONTROL_PLANE_AWS_ROLE_ARN: outputs.get('controlPlaneRole'),
  };
};

export const asLines = (environment: AwsEnvironment): string =>
  Object.entries(environment)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** Puts the settings in the place of those that are there, and leaves every other line as it is. */
export const fillIn = (file: string, environment: AwsEnvironment): string => {
  const missing = new Map<string, string>(Object.entries(environment));
  const lines = file
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const name = /^([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? '';
      const value = missing.get(name);
      missing.delete(name);
      return value === undefined ? line : `${name}=${value}`;
    });
  return `${[...lines, ...[...missing].map(([name, value]) => `${name}=${value}`)].join('\n')}\n`;
};
