import type { NodeCommandResult } from '../../node/host.ts';

export type CommandStatus = 'Pending' | 'InProgress' | 'Cancelling' | 'Success' | 'Failed' | 'TimedOut' | 'Cancelled';

/** One command on one instance. */
export interface Command {
  readonly commandId: string;
  readonly documentName: string;
  readonly step: string;
  readonly instanceId: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly timeoutSeconds: number;
  readonly requestedAt: number;
  status: CommandStatus;
  statusDetails: string;
  startedAt: number | undefined;
  endedAt: number | undefined;
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Final states other than what a script's end brings about. */
export type ForcedStatus =
  | 'TimedOut'
  | 'Cancelled'
  | 'DeliveryTimedOut'
  | 'Undeliverable'
  | 'InvalidPlatform'
  | 'Terminated';

/** What the API keeps of a script's output: the first part of each stream. */
const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;

const DETAILS: Readonly<Record<ForcedStatus, { status: CommandStatus; details: string }>> = {
  TimedOut: { status: 'TimedOut', details: 'ExecutionTimedOut' },
  DeliveryTimedOut: { status: 'TimedOut', details: 'DeliveryTimedOut' },
  Cancelled: { status: 'Cancelled', details: 'Cancelled' },
  Undeliverable: { status: 'Failed', details: 'Undeliverable' },
  InvalidPlatform: { status: 'Failed', details: 'InvalidPlatform' },
  Terminated: { status: 'Failed', details: 'Terminated' },
};

export const isFinal = (command: Command): boolean => command.endedAt !== undefined;

/** Ends a command in a state the script has no part in. The first end stands. */
export const endAs = (command: Command, forced: ForcedStatus, now: number): void => {
  if (isFinal(command)) return;
  const { status, details } = DETAILS[forced];
  Object.assign(command, { status, statusDetails: details, endedAt: now, exitCode: -1 });
};

/** The agent reports exit 137 as a time-out, whatever killed the script. */
const KILLED = 137;

/** Ends a command with what the node reported. The first end stands. */
export const endWith = (command: Command, result: NodeCommandResult, now: number): void => {
  if (isFinal(command)) return;
  command.stdout = result.stdout.slice(0, MAX_STDOUT);
  command.stderr = result.stderr.slice(0, MAX_STDERR);
  if (result.status === 'TimedOut' || result.exitCode === KILLED) {
    endAs(command, 'TimedOut', now);
    return;
  }
  if (result.status === 'Cancelled') {
    endAs(command, 'Cancelled', now);
    return;
  }
  const status = result.exitCode === 0 ? 'Success' : 'Failed';
  Object.assign(command, { status, statusDetails: status, endedAt: now, exitCode: result.exitCode });
};
