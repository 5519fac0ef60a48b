/** EC2's word to a Spot instance that it is taken back, or that it had better be left. */
export type SpotNotice =
  | { readonly kind: 'interruption'; readonly action: 'terminate' | 'stop' | 'hibernate'; readonly time: Date }
  | { readonly kind: 'rebalance'; readonly time: Date };

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
  /** URL that answers what a program on the node asks of AWS, signed with the credentials of `credentials.ts`. */
  readonly awsEndpoint: string;
  /** @default `on-demand` */
  readonly lifeCycle?: 'spot' | 'on-demand';
  /** What EC2 has told the instance until now. @default nothing */
  readonly notices?: () => readonly SpotNotice[];
}

/** The agent's part of Run Command. */
export interface NodeCommand {
  readonly commandId: string;
  /** Name of the step, where the sender knows it: a host that executes nothing plays the result by it. */
  readonly step?: string;
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
  /** Rejects when the node is gone before the command has ended: then nobody can tell how it ended. */
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

/** The homelab's own node: a machine outside EC2 whose agent registered by a hybrid activation. */
export interface HomelabNodeSpec {
  /** `mi-…` */
  readonly instanceId: string;
  readonly instanceArn: string;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The node's own directory; nothing outside it may be written. */
  readonly directory: string;
  /** URL that answers what a program on the node asks of AWS. */
  readonly awsEndpoint: string;
}

/** What the homelab's control plane is given. */
export interface ControlPlaneSpec {
  /** Files of its own by name, such as keys: readable by nobody else in the homelab. */
  readonly files: Readonly<Record<string, string>>;
  /** Settings beside those that this machine decides. No secret is among them. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface StartedHomelab {
  /** The node that Systems Manager manages. */
  readonly node: RunningNode;
  /** Unix socket behind which the control plane answers; undefined where nothing is executed. */
  readonly pageSocket: string | undefined;
}

/**
 * The other side of the mesh: a Nebula lighthouse with a certificate authority of its own, as the homelab had one
 * before the fleet existed, and a Kubernetes cluster.
 */
export interface Homelab {
  /**
   * Makes the homelab's certificate authority below `directory`, before the fleet is deployed.
   * @returns its certificate (PEM, one or more), for the configuration's `mesh.trustedCas`
   */
  prepareHomelab(directory: string): Promise<{ readonly trustedCaPem: string }>;
  /**
   * Starts the lighthouse, trusting its own CA and the fleet's (PEM), the cluster, the control plane, and the node that
   * Systems Manager manages: the steps the operator does by hand at home.
   */
  startHomelab(options: {
    readonly fleetCaPem: string;
    readonly node: HomelabNodeSpec;
    /** @default - one that lets every agent in and tells AWS nothing */
    readonly controlPlane?: ControlPlaneSpec;
    /**
     * Whether the homelab is prepared for clusters that use its nodes: workers may open its API server, whose
     * certificate then carries the lighthouse's mesh address.
     * @default false
     */
    readonly provides?: boolean;
  }): Promise<StartedHomelab>;
}

/** What {@link NodeHost} implementations of this machine offer to the embedded cloud. */
export interface LocalNodeHost extends NodeHost, Homelab {}
