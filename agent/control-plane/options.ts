import { fileURLToPath } from 'node:url';

interface Option {
  /** The environment's name for it. */
  readonly variable: string;
  readonly preset: string;
  readonly help: string;
}

/** Beside the bundle; from its sources the program serves what the last build left. */
const PAGE = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './dist/page' : './page', import.meta.url));

/** Each setting once: its flag, its variable, its default and what it is for. */
export const OPTIONS = {
  'grpc-addr': { variable: 'GRPC_ADDR', preset: ':50051', help: 'where agents connect' },
  'http-addr': { variable: 'HTTP_ADDR', preset: ':8090', help: 'where the page and the API are' },
  'stale-timeout': { variable: 'STALE_TIMEOUT', preset: '2m', help: 'silence after which a node is stale' },
  'dead-threshold': { variable: 'DEAD_THRESHOLD', preset: '5m', help: 'silence after which a node is dead' },
  'data-dir': { variable: 'DATA_DIR', preset: '/data', help: 'where the state is kept; :memory: keeps nothing' },
  'page-dir': { variable: 'PAGE_DIR', preset: PAGE, help: 'the built page' },
  'agent-key-file': {
    variable: 'AGENT_KEY_FILE',
    preset: '',
    help: "keys of agents' tokens, one a line; none: no token asked for",
  },
  'agents-without-token': {
    variable: 'AGENTS_WITHOUT_TOKEN',
    preset: 'refuse',
    help: 'refuse or allow known agents beside those with tokens',
  },
  'command-token-file': {
    variable: 'COMMAND_TOKEN_FILE',
    preset: '',
    help: 'bearer tokens for commands, one a line; none: commands are off',
  },
  'grpc-tls-cert-file': {
    variable: 'GRPC_TLS_CERT_FILE',
    preset: '',
    help: 'certificate for agents, PEM; none: plain text over the mesh',
  },
  'grpc-tls-key-file': { variable: 'GRPC_TLS_KEY_FILE', preset: '', help: 'its key, PEM' },
  'idle-after': { variable: 'CARRIERARR_IDLE_AFTER', preset: '5m', help: 'idleness from which AWS is told' },
  'idle-every': { variable: 'CARRIERARR_IDLE_EVERY', preset: '5m', help: 'how often it is told again' },
  'dead-every': {
    variable: 'CARRIERARR_DEAD_EVERY',
    preset: '1h',
    help: 'how often AWS is told of a dead worker again',
  },
  'forget-after': {
    variable: 'CARRIERARR_FORGET_AFTER',
    preset: '24h',
    help: 'silence after which a node is forgotten',
  },
  'audit-days': { variable: 'CARRIERARR_AUDIT_DAYS', preset: '90', help: 'how long the audit of commands is kept' },
  'max-connection-age': {
    variable: 'CARRIERARR_MAX_CONNECTION_AGE',
    preset: '30m',
    help: 'age at which an agent is asked to connect anew',
  },
  'connection-grace': { variable: 'CARRIERARR_CONNECTION_GRACE', preset: '5s', help: 'what it then has left' },
  'ping-interval': { variable: 'CARRIERARR_PING_INTERVAL', preset: '60s', help: 'how often connections are probed' },
  'ping-timeout': { variable: 'CARRIERARR_PING_TIMEOUT', preset: '20s', help: 'how long an answer may take' },
  'max-connections': { variable: 'CARRIERARR_MAX_CONNECTIONS', preset: '4096', help: 'connections of agents at once' },
  'log-level': { variable: 'LOG_LEVEL', preset: 'info', help: 'debug, info, warn or error' },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

/** What `--help` prints. */
export const helpText = (): string => {
  const lines = Object.entries<Option>(OPTIONS).map(
    ([name, { variable, preset, help }]) =>
      `  --${name.padEnd(21)}${variable.padEnd(32)}${(preset === PAGE ? 'page/ beside the program' : preset || '-').padEnd(26)}${help}`,
  );
  const head = `  ${'flag'.padEnd(23)}${'variable'.padEnd(32)}${'default'.padEnd(26)}`;
  return [
    'control-plane: where the agents of the fleet report',
    '',
    head.trimEnd(),
    ...lines,
    '--help, --version',
    '',
  ].join('\n');
};
