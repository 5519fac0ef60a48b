import {
  Chain,
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as MapState,
  Parallel,
  Pass,
  ProvideItems,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CAUSE, type Kit, operation, operationOnRequest } from './operation.ts';
import { runStep } from './run-step.ts';

const WORKERS_AT_ONCE = 5;

/** Input: RenewRequest. One worker's failure does not stop the others; the execution fails at the end and names them. */
export const renew = (kit: Kit): IChainable =>
  Chain.start(findDue(kit))
    .next(
      MapState.jsonata(kit.scope, 'RenewEach', {
        items: ProvideItems.jsonata('{% $states.input.due %}'),
        maxConcurrency: WORKERS_AT_ONCE,
        assign: { renewals: '{% $states.result %}' },
      }).itemProcessor(renewOne(kit)),
    )
    .next(
      Choice.jsonata(kit.scope, 'RenewVerdict')
        .when(Condition.jsonata('{% $count($renewals[renewed = false]) > 0 %}'), someFailed(kit))
        .otherwise(Pass.jsonata(kit.scope, 'Renewed', { outputs: { renewals: '{% $renewals %}' } })),
    );

const findDue = (kit: Kit) =>
  operationOnRequest(kit, 'FindDue', {
    capability: 'identity',
    operation: 'due',
    input: { names: '$exists($states.input.names) ? $states.input.names[] : []' },
  });

const renewOne = (kit: Kit): Chain => {
  const renewal = Chain.start(renewCertificate(kit))
    .next(swapCertificate(kit))
    .next(
      Pass.jsonata(kit.scope, 'RenewedOne', {
        outputs: { name: '{% $life.name %}', renewed: true, notAfter: '{% $certificate.notAfter %}' },
      }),
    );
  const failed = Pass.jsonata(kit.scope, 'RenewFailedOne', {
    outputs: {
      name: '{% $life.name %}',
      renewed: false,
      error: '{% $states.input.Error %}',
      cause: '{% $states.input.Cause %}',
    },
  });
  const isolated = Parallel.jsonata(kit.scope, 'RenewIsolated').branch(renewal);
  isolated.next(Pass.jsonata(kit.scope, 'RenewedIsolated', { outputs: '{% $states.input[0] %}' }));
  const outputs = { Error: '{% $states.errorOutput.Error %}', Cause: `{% ${CAUSE} %}` };
  isolated.addCatch(failed, { errors: ['States.DataLimitExceeded'], outputs });
  isolated.addCatch(failed, { errors: ['States.ALL'], outputs });
  return Pass.jsonata(kit.scope, 'RenewBegin', { assign: { life: '{% $states.input %}' } }).next(isolated);
};

const renewCertificate = (kit: Kit) =>
  operation(kit, 'RenewCertificate', {
    capability: 'identity',
    operation: 'renew',
    input: { name: '{% $life.name %}', generation: '{% $life.generation %}' },
    assign: { certificate: '{% $states.result.Payload %}' },
  });

const swapCertificate = (kit: Kit): Chain =>
  runStep(kit, {
    stage: 'SwapCertificate',
    step: 'renew-certificate',
    life: { name: '{% $life.name %}', generation: '{% $life.generation %}' },
    instanceId: '{% $life.instanceId %}',
    parameters: { Fingerprint: '{% $certificate.fingerprint %}' },
  });

const someFailed = ({ scope }: Kit): Fail =>
  Fail.jsonata(scope, 'RenewalFailed', {
    error: 'RenewalFailedError',
    cause:
      "{% 'not renewed: ' & $join($renewals[renewed = false].(name & ' (' & error & ': ' & cause & ')'), '; ') & " +
      "'. Remedy: mend the cause, then carrierarr cert renew <name>' %}",
  });
