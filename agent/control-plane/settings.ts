import { parseArgs } from 'node:util';
import * as z from 'zod';
import { ConfigurationError } from '#shared/errors.ts';
import { OPTIONS, type OptionName } from './options.ts';

/** Everything the control plane is told. Durations are milliseconds. */
export interface Settings {
  readonly grpc: Endpoint;
  readonly http: Endpoint;
  readonly staleTimeout: number;
  readonly deadThreshold: number;
  readonly idleAfter: number;
  readonly idleEvery: number;
  readonly deadEvery: number;
  readonly forgetAfter: number;
  /** `:memory:` keeps nothing. */
  readonly dataDir: string;
  /** Undefined: no page. */
  readonly pageDir: string | undefined;
  readonly auditDays: number;
  /** Undefined: agents need no token. */
  readonly agentKeyFile: string | undefined;
  readonly agentsWithoutToken: 'refuse' | 'allow';
  /** Undefined: commands are off. */
  readonly commandTokenFile: string | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly maxConnectionAge: number;
  readonly connectionGrace: number;
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxConnections: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** Where to listen. An empty host means every address. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** As Go writes them: `2m`, `90s`, `1h30m`, `500ms`. */
const Duration = z.string().transform((text, context) => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const milliseconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? 0), 0);
  if (parts.map(([whole]) => whole).join('') === text && milliseconds > 0) return milliseconds;
  context.addIssue({ code: 'custom', message: 'a duration such as 90s, 2m or 1h30m' });
  return z.NEVER;
});

const Address = z.string().transform((text, context): Endpoint => {
  const [, host = '', port] =
    /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  const digits = port ?? host;
  const at = { host: port === undefined ? '' : host, port: Number(digits) };
  if (digits !== '' && at.port <= 65_535) return at;
  context.addIssue({ code: 'custom', message: 'host:port, or :port for every address' });
  return z.NEVER;
});

const Optional = z.string().transform((text) => (text === '' ? undefined : text));
const count = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a number from ${minimum} to ${maximum}`)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `a number from ${minimum} to ${maximum}`);

const Schema = z.object({
  'grpc-addr': Address,
  'http-addr': Address,
  'stale-timeout': Duration,
  'dead-threshold': Duration,
  'idle-after': Duration,
  'idle-every': Duration,
  'dead-every': Duration,
  'forget-after': Duration,
  'data-dir': z.string().min(1, 'a directory'),
  'page-dir': Optional,
  'audit-days': count(1, 3650),
  'agent-key-file': Optional,
  'agents-without-token': z.enum(['refuse', 'allow'], 'refuse, allow'),
  'command-token-file': Optional,
  'grpc-tls-cert-file': Optional,
  'grpc-tls-key-file': Optional,
  'max-connection-age': Duration,
  'connection-grace': Duration,
  'ping-interval': Duration,
  'ping-timeout': Duration,
  'max-connections': count(1, 65_535),
  'log-level': z.enum(['debug', 'info', 'warn', 'error'], 'debug, info, warn, error'),
} satisfies Record<OptionName, z.ZodType>);
type Given = z.output<typeof Schema>;

const NAMES = Object.keys(OPTIONS) as OptionName[];

/** The known control plane had them; whoever carries them over should know that they do nothing here. */
const ABANDONED: Readonly<Record<string, string>> = {
  'ws-addr': 'there is no WebSocket; GET /api/v1/events tells what happens',
  'rabbitmq-url': 'agents come by gRPC alone',
  'rabbitmq-vhost': 'agents come by gRPC alone',
  'auto-terminate-dead': 'the control plane observes; AWS decides what is torn down',
};

const unusable = (faults: readonly string[]): ConfigurationError =>
  new ConfigurationError({
    what: `the control plane's settings are not usable: ${faults.join(' | ')}`,
    remedy: 'correct the flags or variables named above; --help lists them all',
  });

const FLAGS = Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }]));

const faultOfFlag = (name: string, value: unknown): string | undefined => {
  if (name in ABANDONED) return `--${name}: ${ABANDONED[name]}`;
  if (!(name in OPTIONS)) return `--${name}: unknown`;
  return typeof value === 'string' ? undefined : `--${name}: no value`;
};

/** A flag wins over its variable, and both over the default. */
const gather = (argv: readonly string[], environment: NodeJS.ProcessEnv) => {
  // With one dash, too, as the known control plane takes them.
  const args = argv.map((word) => word.replace(/^-(?=[a-z])/, '--'));
  const { values, positionals } = parseArgs({ args, options: FLAGS, strict: false, allowPositionals: true });
  const flags = Object.entries(values);
  const texts: Record<string, string> = Object.fromEntries(
    NAMES.map((name) => [name, (environment[OPTIONS[name].variable] ?? OPTIONS[name].preset).trim()]),
  );
  for (const [name, value] of flags) if (typeof value === 'string') texts[name] = value;
  const faults = [
    ...flags.map(([name, value]) => faultOfFlag(name, value)).filter((fault) => fault !== undefined),
    ...positionals.map((word) => `${word}: not a flag`),
  ];
  return { texts, faults };
};

const faultsOf = (error: z.ZodError, texts: Readonly<Record<string, string>>): string[] =>
  error.issues.map((issue) => {
    const name = String(issue.path[0]) as OptionName;
    return `--${name} (${OPTIONS[name].variable}): got ${JSON.stringify(texts[name])}, allowed: ${issue.message}`;
  });

const contradictions = (given: Given): string[] => {
  const faults: string[] = [];
  if (given['dead-threshold'] <= given['stale-timeout'])
    faults.push('--dead-threshold: not longer than --stale-timeout, so that nobody would ever be stale');
  if ((given['grpc-tls-cert-file'] === undefined) !== (given['grpc-tls-key-file'] === undefined))
    faults.push('GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE: one without the other');
  return faults;
};

const toSettings = (given: Given): Settings => {
  const certFile = given['grpc-tls-cert-file'];
  const keyFile = given['grpc-tls-key-file'];
  return {
    grpc: given['grpc-addr'],
    http: given['http-addr'],
    staleTimeout: given['stale-timeout'],
    deadThreshold: given['dead-threshold'],
    idleAfter: given['idle-after'],
    idleEvery: given['idle-every'],
    deadEvery: given['dead-every'],
    forgetAfter: given['forget-after'],
    dataDir: given['data-dir'],
    pageDir: given['page-dir'],
    auditDays: given['audit-days'],
    agentKeyFile: given['agent-key-file'],
    agentsWithoutToken: given['agents-without-token'],
    commandTokenFile: given['command-token-file'],
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    maxConnectionAge: given['max-connection-age'],
    connectionGrace: given['connection-grace'],
    pingInterval: given['ping-interval'],
    pingTimeout: given['ping-timeout'],
    maxConnections: given['max-connections'],
    logLevel: given['log-level'],
  };
};

/**
 * Reads flags and environment.
 *
 * @throws ConfigurationError naming everything that is unknown, malformed or contradicts another setting
 */
export const readSettings = (argv: readonly string[], environment: NodeJS.ProcessEnv): Settings => {
  const { texts, faults } = gather(argv, environment);
  const parsed = Schema.safeParse(texts);
  const all = [...faults, ...(parsed.success ? contradictions(parsed.data) : faultsOf(parsed.error, texts))];
  if (!parsed.success || all.length > 0) throw unusable(all);
  return toSettings(parsed.data);
};
