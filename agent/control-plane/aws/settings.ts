import * as z from 'zod';
import { ConfigurationError } from '#shared/errors.ts';

const arn = (kind: string, pattern: RegExp) => z.string().regex(pattern, { error: `the ARN of a ${kind}` });

/** What the control plane is told of its identity at AWS, by environment; the names stand in `homelab/control-plane.env`. */
const Variables = z.object({
  CONTROL_PLANE_AWS_REGION: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, { error: 'an AWS region such as us-west-2' }),
  CONTROL_PLANE_AWS_BUS: z.string().regex(/^[A-Za-z0-9._/-]{1,256}$/, { error: 'the name of an event bus' }),
  CONTROL_PLANE_AWS_TRUST_ANCHOR_ARN: arn('trust anchor', /^arn:aws[a-z-]*:rolesanywhere:.+:trust-anchor\/.+$/),
  CONTROL_PLANE_AWS_PROFILE_ARN: arn('Roles Anywhere profile', /^arn:aws[a-z-]*:rolesanywhere:.+:profile\/.+$/),
  CONTROL_PLANE_AWS_ROLE_ARN: arn('role', /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/.+$/),
  CONTROL_PLANE_AWS_CERT_FILE: z.string().min(1, { error: 'a file' }),
  CONTROL_PLANE_AWS_KEY_FILE: z.string().min(1, { error: 'a file' }),
  AWS_ENDPOINT_URL: z.url().optional(),
  AWS_ENDPOINT_URL_EVENTBRIDGE: z.url().optional(),
  AWS_ENDPOINT_URL_ROLESANYWHERE: z.url().optional(),
});

/** How the control plane reaches AWS, and as whom. */
export interface AwsSettings {
  readonly region: string;
  readonly bus: string;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Undefined: the service's own. */
  readonly eventsEndpoint: string | undefined;
  readonly sessionsEndpoint: string;
}

/** Empty counts as absent: an env file names every variable. */
const given = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.keys(Variables.shape)
      .map((name) => [name, environment[name]?.trim() ?? ''] as const)
      .filter(([, value]) => value !== ''),
  );

const refuse = (error: z.ZodError): never => {
  const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new ConfigurationError({
    what: "the control plane's identity at AWS is incomplete or malformed",
    got: faults.join('; '),
    allowed: 'all of CONTROL_PLANE_AWS_*, or none',
    remedy: '`carrierarr homelab control-plane` prints what to set; see docs/homelab.md',
  });
};

/**
 * @returns undefined where nothing is configured, so that no AWS is told of anything; files alone are no configuration,
 * since the manifest names them whether they are there or not
 * @throws ConfigurationError naming every variable that is missing or malformed
 */
export const readAwsSettings = (environment: NodeJS.ProcessEnv): AwsSettings | undefined => {
  const values = given(environment);
  if (!Object.keys(values).some((name) => name.startsWith('CONTROL_PLANE_AWS_') && !name.endsWith('_FILE')))
    return undefined;
  const parsed = Variables.safeParse(values);
  if (!parsed.success) return refuse(parsed.error);
  const { data } = parsed;
  const region = data.CONTROL_PLANE_AWS_REGION;
  return {
    region,
    bus: data.CONTROL_PLANE_AWS_BUS,
    trustAnchorArn: data.CONTROL_PLANE_AWS_TRUST_ANCHOR_ARN,
    profileArn: data.CONTROL_PLANE_AWS_PROFILE_ARN,
    roleArn: data.CONTROL_PLANE_AWS_ROLE_ARN,
    certificateFile: data.CONTROL_PLANE_AWS_CERT_FILE,
    keyFile: data.CONTROL_PLANE_AWS_KEY_FILE,
    eventsEndpoint: data.AWS_ENDPOINT_URL_EVENTBRIDGE ?? data.AWS_ENDPOINT_URL,
    sessionsEndpoint:
      data.AWS_ENDPOINT_URL_ROLESANYWHERE ?? data.AWS_ENDPOINT_URL ?? `https://rolesanywhere.${region}.amazonaws.com`,
  };
};
