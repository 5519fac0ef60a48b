/**
 * What the edge asks of whatever plays an EC2 instance on this machine. Three hosts implement it: a sandbox of
 * namespaces over a read-only host with stand-in programs, the same with real Nebula in network namespaces, and a
 * stand-in that executes nothing where no sandbox can be had.
 */
export interface NodeSpec {
  readonly instanceId: string;
  readonly instanceArn: string;
  readonly instanceType: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly privateIp: string;
  readonly publicIp: string;
  readonly imageId: string;
  /** Decoded user data. */
  readonly userData: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The node's own directory; nothing outside it may be written. */
  readonly directory: string;
  /** Handles a request that a program on the node sends to AWS, signed with the node's role (the edge in-process). */
  readonly awsEndpoint: string;
}

/** The agent's part of Run Command. */
export interface NodeCommand {
  readonly commandId: string;
  /** The whole script, as `aws:runShellScript` would write it to a file. */
  readonly script: string;
  /** `SSM_<Parameter>` variables, as `interpolationType: ENV_VAR` hands them over. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

export interface NodeCommandResult {
  readonly status: 'Success' | 'Failed' | 'TimedOut' | 'Cancelled';
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningNode {
  /** Resolves when the agent has registered; rejects when the node died first. */
  readonly registered: Promise<void>;
  run(command: NodeCommand): Promise<NodeCommandResult>;
  cancel(commandId: string): Promise<void>;
  /** Ends every process and removes every namespace and device of the node. Idempotent. */
  stop(): Promise<void>;
}

export interface NodeHost {
  /** `sandbox`, `mesh` (real Nebula) or `played`; shown to the user. */
  readonly kind: 'sandbox' | 'mesh' | 'played';
  /** Why this kind was chosen, in words for the user. */
  readonly reason: string;
  start(spec: NodeSpec): Promise<RunningNode>;
  /** Stops everything that is left, e.g. on Ctrl-C. */
  close(): Promise<void>;
}
