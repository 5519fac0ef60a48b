import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  Command,
  CommandResultSchema,
  NodeStatusSchema,
  RegisterRequestSchema,
} from '../proto/generated/ec2agent/v1/agent_pb.js';
import type { Level } from '../shared/log.ts';

/** Time as a port, so that tests own it. */
export interface Clock {
  /** Wall time: for what is told to others, never for measuring. It may jump. */
  now(): Date;
  /** Milliseconds since some moment; never jumps. Every wait and every age is measured with it. */
  monotonic(): number;
  /** Resolves after the time or as soon as the signal is aborted; never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** What the agent knows of its node. Both calls may be slow or fail: the connection gives each a limit. */
export interface Reporter {
  registration(): Promise<MessageInitShape<typeof RegisterRequestSchema>>;
  status(): Promise<MessageInitShape<typeof NodeStatusSchema>>;
}

/**
 * Runs one command to its end. Never rejects for what the command did: a failure is a result. The signal is aborted
 * with a `TimeoutError` when the command's time is over, and with another reason when the agent ends.
 */
export interface CommandRunner {
  run(command: Command, signal: AbortSignal): Promise<MessageInitShape<typeof CommandResultSchema>>;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What exceeds it is dropped, and the program goes on. @default - 64 KiB of each stream */
  readonly maxBytes?: number;
}

export interface Ran {
  /** Exit code; 124 when the time was over, 127 when there is no such program, 128 + n after a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AskOptions {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called with each line as it comes, for answers that are streamed; `text` then holds the last 64 KiB. */
  readonly onLine?: (line: string) => void;
}

/** The machine: programs, files and local HTTP. Everything that tells the node apart from a test goes through here. */
export interface System {
  /** Runs a program without a shell. Never rejects. */
  run(argv: readonly string[], options: RunOptions): Promise<Ran>;
  /** Undefined when there is no such file, or it may not be read. */
  readText(path: string): Promise<string | undefined>;
  /** Undefined when there is no such file system. */
  diskMegabytes(path: string): Promise<{ used: number; total: number } | undefined>;
  /** Local HTTP (IMDS, Ollama). Undefined when there was no answer within the time. */
  ask(url: string, options: AskOptions): Promise<{ status: number; text: string } | undefined>;
  hostname(): string;
  /** Replaces the file as a whole. False when it could not be written. */
  writeText(path: string, text: string): Promise<boolean>;
  /** First IPv4 address of a network interface. */
  addressOf(device: string): string | undefined;
  /** Calls with the name of each file of the folder that changes; silent where there is none. Gives its end. */
  watch(folder: string, changed: (name: string) => void): () => void;
}

/** Names of the known agent's flag `--type`, and the third role of the wire. */
export type NodeTypeName = 'gpu-worker' | 'lighthouse' | 'cpu-worker';

/** Everything the agent is told at its start; what is undefined is asked of IMDS or left out. */
export interface Settings {
  /** host:port, as CONTROL_PLANE_ADDR has it. */
  readonly controlPlane: { readonly host: string; readonly port: number };
  readonly tls: { readonly on: boolean; readonly caFile: string | undefined };
  /** Read anew at each connect; may be missing. */
  readonly tokenFile: string;
  readonly nodeType: NodeTypeName;
  /** The hostname: the node's id on the wire. */
  readonly nodeId: string;
  readonly worker: string | undefined;
  readonly fleet: string | undefined;
  readonly generation: string | undefined;
  readonly instanceId: string | undefined;
  readonly nebulaIp: string | undefined;
  readonly privateIp: string | undefined;
  readonly publicIp: string | undefined;
  readonly region: string | undefined;
  readonly availabilityZone: string | undefined;
  /** Address of the instance metadata. @default - AWS' own */
  readonly imds?: string | undefined;
  readonly healthPort: number;
  readonly logLevel: Level;
  /** Whether EXEC is taken at all. */
  readonly exec: boolean;
  /** Work on so many cores and more is no rest. @default 0.5 */
  readonly busyCores?: number | undefined;
}

/** What the control plane may change while the agent runs. */
export interface LiveValues {
  readonly heartbeatSeconds: number;
  readonly statusSeconds: number;
  /** 0: never. */
  readonly idleShutdownMinutes: number;
}

/** One object for UPDATE_CONFIG, ConfigUpdate and the intervals of RegisterResponse. */
export interface LiveSettings {
  readonly values: LiveValues;
  /**
   * Takes what is given, within limits: undefined and 0 leave an interval as it is, 0 switches idle shutdown off (who
   * takes it from a ConfigUpdate, where 0 is absence, hands over undefined). Gives the values then in force, and says
   * in the log what was clamped.
   */
  apply(change: { readonly [K in keyof LiveValues]?: number | undefined }, source: string): LiveValues;
}

/** What a command may do to the agent itself. */
export interface Controls {
  readonly live: LiveSettings;
  /** Sends a status soon, instead of at the next interval. */
  reportSoon(): void;
}
