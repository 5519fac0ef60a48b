import { provisionExecutionName, teardownExecutionName } from '#contract';

/** `unknown`: never started, or ended more than 90 days ago. */
export type ExecutionStatus = 'open' | 'closed' | 'unknown';

/** Step Functions as the doors see it. */
export interface Executions {
  /** True when it runs now, also when it ran already with this very input; false when the name is used up. */
  start(execution: { stateMachine: string; name: string; input: string }): Promise<boolean>;
  status(executionArn: string): Promise<ExecutionStatus>;
}

export interface Machines {
  /** ARNs of the state machines. */
  readonly provision: string;
  readonly teardown: string;
}

/** ARN of the execution of that name, known before it is started. */
export const executionArn = (stateMachine: string, name: string): string =>
  `${stateMachine.replace(':stateMachine:', ':execution:')}:${name}`;

export const provisionExecutionArn = (machines: Machines, name: string, generation: string): string =>
  executionArn(machines.provision, provisionExecutionName(name, generation));

export const teardownExecutionArn = (machines: Machines, name: string, generation: string, attempt: number): string =>
  executionArn(machines.teardown, teardownExecutionName(name, generation, attempt));
