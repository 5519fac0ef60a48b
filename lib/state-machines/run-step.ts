import type { Chain } from 'aws-cdk-lib/aws-stepfunctions';
import type { StepName } from '#contract';
import { EXECUTION, type Kit, operation } from './operation.ts';
import { pollUntil } from './poll.ts';

export interface RunStepProps {
  readonly stage: string;
  readonly step: StepName;
  /** JSONata expressions. */
  readonly name: string;
  readonly generation: string;
  readonly instanceId: string;
  /** Parameters of the step's document; values are strings. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Runs a step on a worker: start → poll until it is done. A step that fails throws out of the poll. */
export const runStep = (kit: Kit, { stage, step, name, generation, instanceId, parameters }: RunStepProps): Chain => {
  const [command, since] = [`command${stage}`, `since${stage}`];
  const start = operation(kit, stage, {
    capability: 'run-command',
    operation: 'start',
    input: { name, generation, execution: EXECUTION, instanceId, step, parameters },
    assign: { [command]: '{% $states.result.Payload.commandId %}', [since]: '{% $millis() %}' },
  });
  const look = operation(kit, `${stage}Poll`, {
    capability: 'run-command',
    operation: 'poll',
    input: { name, instanceId, commandId: `{% $${command} %}`, step, since: `{% $${since} %}` },
  });
  return start.next(pollUntil(kit.scope, { stage, look, until: 'done', since }));
};
