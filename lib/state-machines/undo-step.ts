import type { State } from 'aws-cdk-lib/aws-stepfunctions';
import type { Kit } from './operation.ts';
import { skipOnError } from './operation.ts';
import { type AnyStepName, type RunStepProps, type StepStates, stepStates } from './run-step.ts';

/** Variables of a teardown after its fence: every field is there, empty where unknown. */
export const FENCED = { name: '{% $fenced.name %}', generation: '{% $fenced.generation %}' };

/** What an undoing step needs to know: who goes on when it is done, and who when it failed. */
export interface UndoStepProps<S extends AnyStepName> extends Omit<RunStepProps<S>, 'life'> {
  readonly done: State;
  /** @default - the same: the step is carried on from */
  readonly failed?: State;
}

/** A step that must not keep the instance alive: its error is kept in `skipped`. */
export const undoStep = <S extends AnyStepName>(kit: Kit, props: UndoStepProps<S>): State => {
  const { done, failed = done, ...step } = props;
  const { start, look, chain }: StepStates = stepStates(kit, { ...step, life: FENCED });
  for (const task of [start, look]) skipOnError(task, failed);
  chain.next(done);
  return start;
};
