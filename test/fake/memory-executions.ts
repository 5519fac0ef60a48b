import { type Executions, executionArn } from '../../lambda/shared/doors/executions.ts';

interface StartedExecution {
  readonly input: string;
  open: boolean;
}

export interface MemoryExecutions extends Executions {
  /** By ARN, in the order of their start. */
  readonly started: Map<string, StartedExecution>;
  /** An execution that nobody here has started: one from the console. */
  open(arn: string): void;
  close(arn: string): void;
  /** The next start throws this. */
  failNextStart(error: Error): void;
}

/** Step Functions' rules on names: the same input joins a running execution; a closed name is used up. */
export const createMemoryExecutions = (): MemoryExecutions => {
  const started = new Map<string, StartedExecution>();
  let failure: Error | undefined;
  return {
    started,
    open: (arn) => {
      started.set(arn, { input: '{}', open: true });
    },
    close: (arn) => {
      const execution = started.get(arn);
      if (execution !== undefined) execution.open = false;
    },
    failNextStart: (error) => {
      failure = error;
    },
    async start({ stateMachine, name, input }) {
      const failing = failure;
      failure = undefined;
      if (failing !== undefined) throw failing;
      const arn = executionArn(stateMachine, name);
      const before = started.get(arn);
      if (before !== undefined) return before.open && before.input === input;
      started.set(arn, { input, open: true });
      return true;
    },
    async status(arn) {
      const execution = started.get(arn);
      if (execution === undefined) return 'unknown';
      return execution.open ? 'open' : 'closed';
    },
  };
};
