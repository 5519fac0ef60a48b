import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CommandResultSchema } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Clock, Controls, Ran, Settings, System } from '../ports.ts';
import { lastLine, output } from '../text.ts';

/** What came of a command, in the words of the wire. */
export type Outcome = MessageInitShape<typeof CommandResultSchema>;

/** What a command may use. */
export interface Tools {
  readonly settings: Settings;
  readonly system: System;
  readonly controls: Controls;
  readonly clock: Clock;
}

/** One order, as it came. */
export interface Order {
  readonly args: Readonly<Record<string, string>>;
  /** Zero: as long as the agent's own limit lets it. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

export type Handler = (tools: Tools, order: Order) => Promise<Outcome>;

/** As sysexits.h has it: the command was used in a wrong way. */
export const USAGE = 64;
/** As in a shell: there is such a command, but it may not be run. */
export const DENIED = 126;
/** As `timeout` has it. */
export const TIMED_OUT = 124;
const MOST_OUTPUT = 32_768;

export const done = (stdout: string): Outcome => ({ success: true, exitCode: 0, stdout: output(stdout, MOST_OUTPUT) });

/** Nothing was done, and why. */
export const refused = (reason: string, exitCode = USAGE): Outcome => ({ success: false, exitCode, error: reason });

export const failed = (error: string, exitCode = 1, stdout = ''): Outcome => ({
  success: false,
  exitCode,
  stdout: output(stdout, MOST_OUTPUT),
  error,
});

/** What a program's end means. */
export const ofProgram = (ran: Ran, name: string): Outcome => ({
  success: ran.code === 0,
  exitCode: ran.code,
  stdout: output(ran.stdout, MOST_OUTPUT),
  stderr: output(ran.stderr, MOST_OUTPUT),
  ...(ran.code === 0
    ? {}
    : { error: `${name} ended with ${ran.code}: ${lastLine(ran.stderr || ran.stdout) || 'no output'}` }),
});
