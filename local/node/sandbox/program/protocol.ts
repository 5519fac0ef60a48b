/**
 * What the agent in a cell and its host say to each other: one JSON object a line, over a socket pair that the cell
 * inherits as descriptor 3. Only types: the agent runs where no package is installed.
 */
export type Headers = readonly (readonly [name: string, value: string])[];

/** Which door of the node a request came through: the metadata service, or AWS. */
export type Door = 'imds' | 'aws';

/** What systemd would do at boot. */
export interface BootPlan {
  /** Directories that systemd-tmpfiles would make. */
  readonly directories: readonly { readonly path: string; readonly mode: number }[];
  /** Files that are there before anything runs, such as those that a kubelet mounts. */
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[];
  /** Mount units the boot requires; of type tmpfs, the only one a node may mount. */
  readonly mounts: readonly { readonly where: string; readonly options: string }[];
  /** What the machine looks like from inside; undefined: as the one that runs all this. */
  readonly machine?: { readonly cores: number; readonly memoryMb: number } | undefined;
  /** The boot program's unit; empty where the image has none. */
  readonly unit: string;
  /** Services that start after it. */
  readonly services: readonly string[];
}

export interface CommandOrder {
  readonly commandId: string;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

export interface CommandReport {
  readonly commandId: string;
  readonly status: 'Success' | 'Failed' | 'TimedOut' | 'Cancelled';
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOrder {
  readonly instanceId: string;
  readonly region: string;
  /** Environment of everything on the node, as systemd's manager would hand it on. */
  readonly environment: Readonly<Record<string, string>>;
  /** Port on the node's loopback under which its programs reach AWS. */
  readonly awsPort: number;
  readonly boot: BootPlan;
}

export type FromHost =
  | ({ readonly type: 'start' } & StartOrder)
  | ({ readonly type: 'run' } & CommandOrder)
  | { readonly type: 'cancel'; readonly commandId: string }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly status: number;
      readonly headers: Headers;
      /** Base64. */
      readonly body: string;
    };

export type FromAgent =
  /** The cell stands and waits for the start order. */
  | { readonly type: 'ready' }
  /** The boot program runs and the agent takes commands. */
  | { readonly type: 'registered' }
  | { readonly type: 'console'; readonly text: string }
  | ({ readonly type: 'report' } & CommandReport)
  | {
      readonly type: 'request';
      readonly id: number;
      readonly door: Door;
      readonly method: string;
      readonly path: string;
      readonly headers: Headers;
      /** Base64. */
      readonly body: string;
    };
