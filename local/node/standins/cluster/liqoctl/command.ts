import type { KubeClient } from '../client/kube-client.ts';
import type { Flags } from '../flags.ts';
import type { Printer } from './printer.ts';

/** The version that this stand-in plays. */
export const LIQOCTL_VERSION = 'v1.2.0';

/** What a command works with. Clients open when they are asked for. */
export interface Context {
  readonly flags: Flags;
  readonly printer: Printer;
  local(): KubeClient;
  remote(): KubeClient;
}

export interface Command {
  /** Words after `liqoctl`. */
  readonly path: string;
  readonly switches?: readonly string[];
  readonly values?: readonly string[];
  readonly short?: Readonly<Record<string, string>>;
  readonly required?: readonly string[];
  /** How many names it takes. @default none */
  readonly names?: 'one' | 'any';
  readonly twoClusters?: boolean;
  /** Asks before it acts, unless `--skip-confirm` is given. */
  readonly asks?: string;
  readonly run: (context: Context) => Promise<number>;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration such as `1m30s`, in milliseconds. */
export const milliseconds = (text: string): number => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (text === '' || parts.map(([all]) => all).join('') !== text) {
    throw new Error(`time: invalid duration "${text}"`);
  }
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
};
