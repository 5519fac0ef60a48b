import {
  type Chain,
  Choice,
  Condition,
  Fail,
  type IChainable,
  Parallel,
  Pass,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import { awaitBoot, awaitSsm, enterService, issueIdentity, launchInstance, markReady, verifyMesh } from './birth.ts';
import { either, sequence } from './branch.ts';
import { awaitCluster, installCilium, joinCluster, verifyAgent, verifyGpu } from './cluster.ts';
import { findHomelab, homelabPreflight } from './homelab.ts';
import { LIFE } from './life.ts';
import { CAUSE, catchEverything, EXECUTION, type Kit, operation, operationOnRequest } from './operation.ts';
import { connectClusterMesh, peerClusters } from './peering.ts';
import { rollBack } from './teardown.ts';

/**
 * Input: ProvisionRequest; `{}` will do. Whatever goes wrong is undone, and the execution fails with the first error.
 */
export const provision = (kit: Kit): IChainable => {
  const provisioning = Parallel.jsonata(kit.scope, 'Provision').branch(life(kit));
  catchEverything(provisioning, undoAndFail(kit), {
    failure: { error: '{% $states.errorOutput.Error %}', cause: `{% ${CAUSE} %}` },
  });
  provisioning.next(Pass.jsonata(kit.scope, 'Provisioned', { outputs: '{% $states.input[0] %}' }));
  return reserveWorker(kit).next(
    Choice.jsonata(kit.scope, 'ReserveWorkerOutcome')
      .when(Condition.jsonata("{% $states.input.outcome = 'taken' %}"), pointToOwner(kit))
      .otherwise(provisioning),
  );
};

const life = (kit: Kit): Chain =>
  sequence(
    findHomelab(kit),
    byRole(kit, 'HomelabPreflightRole', { lighthouse: homelabPreflight(kit), 'gpu-worker': awaitCluster(kit) }),
    issueIdentity(kit),
    launchInstance(kit),
    awaitSsm(kit),
    awaitBoot(kit),
    verifyMesh(kit),
    byRole(kit, 'InstallCiliumRole', {
      lighthouse: sequence(installCilium(kit), peerClusters(kit), connectClusterMesh(kit)),
      'gpu-worker': sequence(verifyGpu(kit), joinCluster(kit)),
    }),
    verifyAgent(kit),
    enterService(kit),
    markReady(kit),
  );

/** What each role does at this point; a role without stages goes on at once. */
const byRole = (
  { scope }: Kit,
  id: string,
  stages: { readonly lighthouse: Chain | undefined; readonly 'gpu-worker': Chain },
): Chain =>
  either(scope, id, {
    condition: "{% $worker.role = 'gpu-worker' %}",
    holds: stages['gpu-worker'],
    otherwise: stages.lighthouse ?? Pass.jsonata(scope, `${id}Nothing`),
  });

/** Claims name, mesh address and generation. Outside the roll-back: a name that others own must not be undone. */
const reserveWorker = (kit: Kit) =>
  operationOnRequest(kit, 'ReserveWorker', {
    capability: 'registry',
    operation: 'reserve',
    input: { execution: '$states.context.Execution.Id', request: '$states.input' },
    assign: {
      name: "{% $states.result.Payload.outcome = 'taken' ? $states.result.Payload.name : $states.result.Payload.worker.name %}",
      generation:
        "{% $states.result.Payload.outcome = 'taken' ? $states.result.Payload.generation : $states.result.Payload.worker.generation %}",
      worker: '{% $exists($states.result.Payload.worker) ? $states.result.Payload.worker : {} %}',
      sinceReserved: '{% $millis() %}',
    },
  });

const pointToOwner = ({ scope }: Kit): Succeed => Succeed.jsonata(scope, 'ReservedByAnother');

/** What the roll-back could not do, in words: a failed execution has no output that would tell. */
const CARRIED_ON_FROM =
  "($skipped := $states.result[0].skipped; $count($skipped) = 0 ? '' : ' | the roll-back carried on from ' & " +
  "$join($skipped.(step & ' (' & error & ': ' & $substring(cause, 0, 300) & ')'), '; '))";

/** Variables of the caught branch are gone: the roll-back takes name and generation, and asks registry and tags. */
const undoAndFail = (kit: Kit): IChainable => {
  const fail = Fail.jsonata(kit.scope, 'ProvisionFailed', {
    error: '{% $failure.error %}',
    cause: '{% $failure.cause %}',
  });
  // A teardown follows when the roll-back fails as well: the execution's status starts it.
  const rollingBack = Parallel.jsonata(kit.scope, 'RollBack', {
    assign: { failure: { error: '{% $failure.error %}', cause: `{% $failure.cause & ${CARRIED_ON_FROM} %}` } },
  }).branch(rollBack(kit));
  catchEverything(rollingBack, fail, {
    failure: {
      error: '{% $failure.error %}',
      cause: `{% $failure.cause & ' | roll-back failed as well: ' & $states.errorOutput.Error & ': ' & ${CAUSE} %}`,
    },
  });
  rollingBack.next(fail);
  const record = operation(kit, 'RecordFailure', {
    capability: 'registry',
    operation: 'recordFailure',
    input: { ...LIFE, execution: EXECUTION, error: '{% $failure.error %}', cause: '{% $failure.cause %}' },
  });
  record.addCatch(rollingBack, { errors: ['States.ALL'] });
  return record.next(rollingBack);
};
