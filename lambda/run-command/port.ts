/** What Systems Manager knows of an instance's agent. */
export interface AgentInformation {
  /** `Online`, `ConnectionLost` or `Inactive`. */
  readonly pingStatus: string;
  readonly version: string;
}

/** A node outside AWS that has been activated. */
export interface ManagedNode {
  readonly instanceId: string;
  /** As in {@link AgentInformation}. */
  readonly pingStatus: string;
  readonly registeredAt: Date;
}

export interface CommandRequest {
  readonly document: string;
  readonly instanceId: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Seconds within which the command must reach the node; Systems Manager takes no less than 30. */
  readonly deliverySeconds: number;
  /** Shown in the console, at most 100 characters. */
  readonly comment: string;
}

/** Where a command stands on its node, as GetCommandInvocation says it. */
export interface Invocation {
  readonly status: string;
  readonly statusDetails: string;
  /** Exit code of the script; negative where it never ended. */
  readonly exitCode: number;
  /** The first 24,000 and 8,000 characters. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Systems Manager Run Command as the steps need it. */
export interface RunCommands {
  /** Undefined while the agent has never registered. */
  agent(instanceId: string): Promise<AgentInformation | undefined>;
  /** Nodes outside AWS with all of these tags, online or not. */
  managed(tags: Readonly<Record<string, string>>): Promise<ManagedNode[]>;
  /** The command's id; undefined where Systems Manager does not accept the instance as a target. */
  send(request: CommandRequest): Promise<string | undefined>;
  /** Undefined where Systems Manager knows no such command, which is usual for a second after sending. */
  invocation(commandId: string, instanceId: string): Promise<Invocation | undefined>;
  /** False where there is no such command any more. A finished command stays as it is. */
  cancel(commandId: string): Promise<boolean>;
}
