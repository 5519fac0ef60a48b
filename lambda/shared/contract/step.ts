/**
 * A Run Command document: one shell script each. Every document also takes the common parameters. Patterns are anchored
 * and admit no newline, quote or `$`; values reach the script as `$SSM_<Name>` (`interpolationType: ENV_VAR`), never as
 * text inside it.
 */
export interface StepParameter {
  readonly description: string;
  readonly allowedPattern: string;
  readonly maxChars: number;
  readonly default?: string;
}

export interface Step {
  readonly description: string;
  /** Seconds the script may run before SSM stops it. */
  readonly timeoutSeconds: number;
  /** What to do when it fails: the remedy of the error it ends in. */
  readonly remedy: string;
  readonly parameters: Readonly<Record<string, StepParameter>>;
}

const parameter =
  (allowedPattern: string, maxChars: number) =>
  (description: string, preset?: string): StepParameter => ({
    description,
    allowedPattern,
    maxChars,
    ...(preset === undefined ? {} : { default: preset }),
  });

const OCTETS = '([0-9]{1,3}\\.){3}[0-9]{1,3}';
const CIDR = `${OCTETS}/[0-9]{1,2}`;
/** No bracket inside brackets: JavaScript, bash and Java read those differently. */
const PAIR = '([A-Za-z0-9_./-]|\\[[0-9]+\\])+=[A-Za-z0-9_.:/+-]*';
const NAME = '[a-z][a-z0-9-]{0,62}';

/** The kinds of parameters: each says what its text may be. */
export const kind = {
  ipv4: parameter(`^${OCTETS}$`, 15),
  /** Empty where there is none. */
  maybeIpv4: parameter(`^(${OCTETS})?$`, 15),
  cidr: parameter(`^${CIDR}$`, 18),
  /** Comma-separated; may be empty. */
  cidrs: parameter(`^(${CIDR}(,${CIDR})*)?$`, 512),
  number: parameter('^[0-9]{1,6}$', 6),
  flag: parameter('^(true|false)$', 5),
  version: parameter('^v?[0-9]+(\\.[0-9]+)*([-+][0-9A-Za-z.]+)?$', 40),
  /** Name of a cluster, a node, a namespace or another Kubernetes object. */
  name: parameter(`^${NAME}$`, 63),
  /** Comma-separated; may be empty. */
  names: parameter(`^(${NAME}(,${NAME})*)?$`, 1_024),
  fingerprint: parameter('^[0-9a-f]{64}$', 64),
  host: parameter('^[A-Za-z0-9.-]{1,253}$', 253),
  /** `https://host:port`; may be empty. */
  maybeUrl: parameter('^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$', 280),
  secret: parameter('^[A-Za-z0-9_][A-Za-z0-9_./-]{0,255}$', 256),
  /** A Kubernetes quantity such as 4, 500m or 8Gi. */
  quantity: parameter('^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$', 24),
  /** Comma-separated `key=value`; may be empty. Keys may hold dots, slashes and list indices. */
  pairs: parameter(`^(${PAIR}(,${PAIR})*)?$`, 1_024),
} as const;

/** One of a few words. */
export const choice = (words: readonly string[], description: string, preset?: string): StepParameter =>
  parameter(`^(${words.join('|')})$`, Math.max(...words.map(({ length }) => length)))(description, preset);

export const COMMON_PARAMETERS: Readonly<Record<string, StepParameter>> = {
  ExecutionId: {
    description:
      'Name of the execution; with the step it keys the result marker, since SendCommand has no client token',
    allowedPattern: '^[0-9A-Za-z_-]{1,80}$',
    maxChars: 80,
  },
  Worker: { description: 'Name of the worker', allowedPattern: '^[a-z][a-z0-9-]{0,47}$', maxChars: 48 },
};
