import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { OperationInput } from '#contract';
import { EXECUTION, type Kit, operation } from './operation.ts';
import { type AnyStepName, type RunStepProps, runStep } from './run-step.ts';

/** What the stages of a provision go by: variables that ReserveWorker and the stages before have set. */
export const LIFE = { name: '{% $name %}', generation: '{% $generation %}' };
/** The worker's own instance. */
export const INSTANCE = '{% $instance.instanceId %}';
/** The homelab's node. */
export const HOMELAB = '{% $homelab.instanceId %}';
/** Condition: there is such a node. */
export const HOMELAB_THERE = "{% $homelab.instanceId != '' %}";
/** The worker's API server as it is reached over the mesh. */
export const API_SERVER = "{% 'https://' & $worker.address & ':6443' %}";

type StageProps<S extends AnyStepName> = Omit<RunStepProps<S>, 'life' | 'instanceId'>;

/** A step on the worker itself. */
export const onWorker = <S extends AnyStepName>(kit: Kit, props: StageProps<S>) =>
  runStep(kit, { ...props, life: LIFE, instanceId: INSTANCE });

/** A step on the homelab's node, on behalf of the worker. */
export const onHomelab = <S extends AnyStepName>(kit: Kit, props: StageProps<S>) =>
  runStep(kit, { ...props, life: LIFE, instanceId: HOMELAB });

/** @param details - an object, or one JSONata expression that yields one */
export const advance = (
  kit: Kit,
  id: string,
  phase: OperationInput<'registry', 'advance'>['phase'],
  details: unknown = '{% {} %}',
): LambdaInvoke =>
  operation(kit, id, {
    capability: 'registry',
    operation: 'advance',
    input: { ...LIFE, execution: EXECUTION, phase, details },
  });

/**
 * What a step found out, as text that the registry takes: empty where the step did not say, since an undefined leaf
 * would end the execution without a catch.
 */
export const found = (variable: string, field: string): string =>
  `$exists($${variable}.${field}) ? $substring($string($${variable}.${field}), 0, 256) : ''`;
