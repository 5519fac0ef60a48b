import { Chain } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { HOMELAB_STEPS, type HomelabStepName, STEPS, type StepName } from '#contract';
import { EXECUTION, type Kit, operation } from './operation.ts';
import { pollUntil } from './poll.ts';

const ALL_STEPS = { ...STEPS, ...HOMELAB_STEPS };
type AllSteps = typeof ALL_STEPS;
export type AnyStepName = StepName | HomelabStepName;

/** Whose life a step serves, as JSONata expressions. */
export interface LifeExpressions {
  readonly name: string;
  readonly generation: string;
}

export interface RunStepProps<S extends AnyStepName> {
  readonly stage: string;
  readonly step: S;
  readonly life: LifeExpressions;
  /** JSONata expression of the node's id. */
  readonly instanceId: string;
  /** Parameters of the step's document; values are strings. What is left out has the document's default. */
  readonly parameters: { readonly [K in keyof AllSteps[S]['parameters']]?: string };
  /**
   * Tells runs of one step within one execution apart.
   * @default - the first run
   */
  readonly run?: 'undo' | 'force';
  /**
   * Variable that takes what the step found out.
   * @default - nobody asks
   */
  readonly keep?: string;
}

/** A step as its states: the two that may fail, and the chain from the first to the way out. */
export interface StepStates {
  readonly start: LambdaInvoke;
  readonly look: LambdaInvoke;
  readonly chain: Chain;
}

const capabilityOf = (step: AnyStepName): 'run-command' | 'homelab' =>
  Object.hasOwn(HOMELAB_STEPS, step) ? 'homelab' : 'run-command';

/** start → poll until it is done. A step that fails throws out of the poll. */
export const stepStates = <S extends AnyStepName>(kit: Kit, props: RunStepProps<S>): StepStates => {
  const { stage, step, life, instanceId, parameters, run = '', keep } = props;
  const [command, since] = [`command${stage}`, `since${stage}`];
  const capability = capabilityOf(step);
  const start = operation(kit, stage, {
    capability,
    operation: 'start',
    input: { ...life, execution: EXECUTION, instanceId, step, run, parameters },
    assign: { [command]: '{% $states.result.Payload.commandId %}', [since]: '{% $millis() %}' },
  });
  const look = operation(kit, `${stage}Poll`, {
    capability,
    operation: 'poll',
    input: { name: life.name, instanceId, commandId: `{% $${command} %}`, step, since: `{% $${since} %}` },
    ...(keep === undefined ? {} : { assign: { [keep]: '{% $states.result.Payload.result %}' } }),
  });
  const polled = pollUntil(kit.scope, { stage, look, until: 'done', since });
  return { start, look, chain: Chain.custom(start, start.next(polled).endStates, polled) };
};

/** Runs a step on a node. */
export const runStep = <S extends AnyStepName>(kit: Kit, props: RunStepProps<S>): Chain => stepStates(kit, props).chain;
