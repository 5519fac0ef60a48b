import { Choice, Condition, Fail, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { type Kit, operationOnRequest } from './operation.ts';

/** Input: SweepRequest. Fails when an orphan could not be taken away, so that an alarm tells. */
export const sweep = (kit: Kit): IChainable =>
  operationOnRequest(kit, 'Sweep', {
    capability: 'sweep',
    operation: 'sweep',
    input: { dryRun: '$exists($states.input.dryRun) ? $states.input.dryRun : false' },
  }).next(
    Choice.jsonata(kit.scope, 'SweepVerdict')
      .when(Condition.jsonata("{% $count($states.input.findings[error != '']) > 0 %}"), incomplete(kit))
      .otherwise(Succeed.jsonata(kit.scope, 'Swept')),
  );

const incomplete = ({ scope }: Kit): Fail =>
  Fail.jsonata(scope, 'SweepIncomplete', {
    error: 'SweepIncompleteError',
    cause:
      "{% 'not taken away: ' & $join($states.input.findings[error != ''].(kind & ' ' & id & ': ' & error), '; ') & " +
      "'. Remedy: carrierarr sweep --dry-run shows what is left' %}",
  });
