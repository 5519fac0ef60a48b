import { isIPv4 } from 'node:net';
import { isAbsolute } from 'node:path';
// The small zod: the large one costs the agent more than a megabyte.
import * as z from 'zod/mini';
import { ConfigurationError } from '#shared/errors.ts';
import { readFlags } from './flags.ts';
import type { Settings, System } from './ports.ts';

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/;

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536;
const text = (allowed: string, fits: (value: string) => boolean) => z.string(allowed).check(z.refine(fits, allowed));
const address = z.optional(text('an IPv4 address', isIPv4));
const file = text('an absolute path', isAbsolute);
const onOff = z._default(z.enum(['on', 'off'], 'on or off'), 'off');
const word = z.optional(text('up to 128 letters, digits and ._:/-', (value) => /^[\w.:/-]{1,128}$/.test(value)));

const Environment = z.object({
  CONTROL_PLANE_ADDR: text('host:port', (value) => isPort(HOST.exec(value)?.[1] ?? '')),
  CONTROL_PLANE_TLS: onOff,
  CONTROL_PLANE_CA_FILE: z.optional(file),
  WORKER_AGENT_TOKEN_FILE: z._default(file, '/run/carrierarr/agent-token'),
  WORKER_AGENT_HEALTH_PORT: z._default(text('1 to 65535', isPort), '8080'),
  WORKER_AGENT_EXEC: onOff,
  WORKER_AGENT_BUSY_CORES: z.optional(
    text('a number of cores from 0.1 to 9999', (value) => /^\d{1,4}(\.\d{1,2})?$/.test(value) && Number(value) >= 0.1),
  ),
  WORKER_AGENT_LOG: z._default(z.enum(['debug', 'info', 'warn', 'error'], 'debug, info, warn or error'), 'info'),
  NODE_TYPE: z._default(
    z.enum(['gpu-worker', 'lighthouse', 'cpu-worker'], 'gpu-worker, lighthouse or cpu-worker'),
    'gpu-worker',
  ),
  NEBULA_IP: address,
  PRIVATE_IP: address,
  PUBLIC_IP: address,
  INSTANCE_ID: word,
  AWS_REGION: word,
  AWS_AVAILABILITY_ZONE: word,
  CARRIERARR_WORKER: word,
  CARRIERARR_FLEET: word,
  CARRIERARR_GENERATION: word,
  CARRIERARR_IMDS: z.optional(text('an http URL', (value) => /^https?:\/\//.test(value) && URL.canParse(value))),
});

/** An empty variable is one that nobody set: units hand over `--nebula-ip ${NEBULA_IP}` either way. */
const withoutEmpty = (variables: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => {
      const trimmed = value?.trim() ?? '';
      return trimmed === '' ? [] : [[name, trimmed]];
    }),
  );

const splitAddress = (text: string): { host: string; port: number } => {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
};

const faultsOf = (issues: readonly z.core.$ZodIssue[], given: Readonly<Record<string, string>>): string[] =>
  issues.map(({ path, message }) => {
    const name = String(path[0]);
    const value = given[name];
    return value === undefined ? `${name}: missing, allowed: ${message}` : `${name}: got ${value}, allowed: ${message}`;
  });

const refuse = (faults: readonly string[]): never => {
  throw new ConfigurationError({
    what: `the worker agent's configuration is not usable: ${faults.join(' | ')}`,
    remedy: 'correct /etc/worker-agent/env or the flags of the unit, see docs/worker-agent.md',
  });
};

type Parsed = z.infer<typeof Environment>;

const toSettings = (parsed: Parsed, system: Pick<System, 'hostname' | 'addressOf'>): Settings => ({
  controlPlane: splitAddress(parsed.CONTROL_PLANE_ADDR),
  tls: { on: parsed.CONTROL_PLANE_TLS === 'on', caFile: parsed.CONTROL_PLANE_CA_FILE },
  tokenFile: parsed.WORKER_AGENT_TOKEN_FILE,
  nodeType: parsed.NODE_TYPE,
  nodeId: system.hostname(),
  worker: parsed.CARRIERARR_WORKER,
  fleet: parsed.CARRIERARR_FLEET,
  generation: parsed.CARRIERARR_GENERATION,
  instanceId: parsed.INSTANCE_ID,
  nebulaIp: parsed.NEBULA_IP ?? system.addressOf('nebula0') ?? system.addressOf('nebula1'),
  privateIp: parsed.PRIVATE_IP,
  publicIp: parsed.PUBLIC_IP,
  region: parsed.AWS_REGION,
  availabilityZone: parsed.AWS_AVAILABILITY_ZONE,
  imds: parsed.CARRIERARR_IMDS?.replace(/\/$/, ''),
  healthPort: Number(parsed.WORKER_AGENT_HEALTH_PORT),
  logLevel: parsed.WORKER_AGENT_LOG,
  exec: parsed.WORKER_AGENT_EXEC === 'on',
  busyCores: parsed.WORKER_AGENT_BUSY_CORES === undefined ? undefined : Number(parsed.WORKER_AGENT_BUSY_CORES),
});

/**
 * Reads flags and environment.
 *
 * @throws ConfigurationError naming everything that is missing, malformed or contradicts another
 */
export const readSettings = (
  environment: NodeJS.ProcessEnv,
  argv: readonly string[],
  system: Pick<System, 'hostname' | 'addressOf'>,
): Settings => {
  const flags = readFlags(argv);
  const given = withoutEmpty({ ...environment, ...flags.variables });
  const parsed = Environment.safeParse(given);
  const faults = [...flags.faults, ...(parsed.success ? [] : faultsOf(parsed.error.issues, given))];
  if (given.CONTROL_PLANE_CA_FILE !== undefined && given.CONTROL_PLANE_TLS !== 'on')
    faults.push('CONTROL_PLANE_CA_FILE: has no effect while CONTROL_PLANE_TLS is off');
  if (!parsed.success || faults.length > 0) return refuse(faults);
  return toSettings(parsed.data, system);
};
