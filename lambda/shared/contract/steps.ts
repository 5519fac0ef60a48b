/**
 * The Run Command documents: one shell script `ssm/<step>.sh` each. Every document also takes the common parameters.
 * Patterns are anchored and admit no newline, quote or `$`; values reach the script as `$SSM_<Name>`
 * (`interpolationType: ENV_VAR`), never as text inside it.
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
  readonly parameters: Readonly<Record<string, StepParameter>>;
}

const IPV4 = '^([0-9]{1,3}\\.){3}[0-9]{1,3}$';

export const COMMON_PARAMETERS: Readonly<Record<string, StepParameter>> = {
  ExecutionId: {
    description:
      'Name of the execution; with the step it keys the result marker, since SendCommand has no client token',
    allowedPattern: '^[0-9A-Za-z_-]{1,80}$',
    maxChars: 80,
  },
  Worker: { description: 'Name of the worker', allowedPattern: '^[a-z][a-z0-9-]{0,47}$', maxChars: 48 },
};

export const STEPS = {
  'await-boot': {
    description: 'Wait for the verdict of the boot: boot.done or boot.failed',
    timeoutSeconds: 240,
    parameters: {
      LimitSeconds: {
        description: 'Seconds to wait before the boot counts as failed',
        allowedPattern: '^[0-9]{1,4}$',
        maxChars: 4,
        default: '180',
      },
    },
  },
  'verify-nebula': {
    description: 'The mesh device carries the address and the lighthouse answers through it',
    timeoutSeconds: 120,
    parameters: {
      NebulaIp: { description: 'Mesh address of the worker', allowedPattern: IPV4, maxChars: 15 },
      LighthouseIp: { description: 'Mesh address of the lighthouse', allowedPattern: IPV4, maxChars: 15 },
    },
  },
  'node-status': {
    description: 'Report boot marks, services, mesh address and certificate dates; changes nothing',
    timeoutSeconds: 60,
    parameters: {},
  },
  'renew-certificate': {
    description: 'Fetch the renewed certificate from the secret, swap it atomically and make Nebula reload it',
    timeoutSeconds: 120,
    parameters: {
      Fingerprint: {
        description: 'SHA-256 fingerprint of the certificate that must be in use afterwards',
        allowedPattern: '^[0-9a-f]{64}$',
        maxChars: 64,
      },
    },
  },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof STEPS;
