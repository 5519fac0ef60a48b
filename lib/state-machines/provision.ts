import {
  Chain,
  Choice,
  Condition,
  Fail,
  type IChainable,
  Parallel,
  Pass,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CAUSE, EXECUTION, type Kit, operation, operationOnRequest } from './operation.ts';
import { pollUntil } from './poll.ts';
import { runStep } from './run-step.ts';
import { rollBack } from './teardown.ts';

const NAME = '{% $name %}';
const GENERATION = '{% $generation %}';

/** Input: ProvisionRequest; `{}` will do. Whatever goes wrong is undone, and the execution fails with the first error. */
export const provision = (kit: Kit): IChainable => {
  const life = Chain.start(issueIdentity(kit))
    .next(launchInstance(kit))
    .next(awaitSsm(kit))
    .next(awaitBoot(kit))
    .next(verifyMesh(kit))
    // The cluster phases take their place here. Lighthouse: InstallCilium, InstallLiqo, PeerClusters, VerifyPeering;
    // gpu-worker: JoinCluster; both: VerifyAgent.
    .next(markReady(kit));
  const provisioning = Parallel.jsonata(kit.scope, 'Provision').branch(life);
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
    },
  });

const pointToOwner = ({ scope }: Kit): Succeed => Succeed.jsonata(scope, 'ReservedByAnother');

/** One state, because a private key never crosses a state. */
const issueIdentity = (kit: Kit) =>
  operation(kit, 'IssueIdentity', {
    capability: 'identity',
    operation: 'issue',
    input: { worker: '{% $worker %}', execution: EXECUTION },
    assign: { identity: '{% $states.result.Payload %}' },
  });

const launchInstance = (kit: Kit) =>
  operation(kit, 'LaunchInstance', {
    capability: 'launch',
    operation: 'launch',
    input: {
      worker: '{% $worker %}',
      execution: EXECUTION,
      redriveCount:
        '{% $exists($states.context.Execution.RedriveCount) ? $states.context.Execution.RedriveCount : 0 %}',
    },
    assign: {
      instance: '{% $states.result.Payload %}',
      sinceLaunch: '{% $millis() %}',
    },
  });

const awaitSsm = (kit: Kit): Chain => {
  const look = operation(kit, 'AwaitSsm', {
    capability: 'run-command',
    operation: 'online',
    input: { name: NAME, instanceId: '{% $instance.instanceId %}', since: '{% $sinceLaunch %}' },
  });
  return pollUntil(kit.scope, { stage: 'AwaitSsm', look, until: 'online', since: 'sinceLaunch' });
};

const awaitBoot = (kit: Kit): Chain =>
  runStep(kit, {
    stage: 'AwaitBoot',
    step: 'await-boot',
    name: NAME,
    generation: GENERATION,
    instanceId: '{% $instance.instanceId %}',
    parameters: { LimitSeconds: String(kit.settings.bootSeconds) },
  }).next(advance(kit, 'AwaitBootRecord', 'BOOTED'));

const verifyMesh = (kit: Kit): Chain =>
  runStep(kit, {
    stage: 'VerifyMesh',
    step: 'verify-nebula',
    name: NAME,
    generation: GENERATION,
    instanceId: '{% $instance.instanceId %}',
    parameters: { NebulaIp: '{% $worker.address %}', LighthouseIp: kit.settings.lighthouseAddress },
  }).next(advance(kit, 'VerifyMeshRecord', 'MESHED'));

const markReady = (kit: Kit): Chain =>
  advance(kit, 'MarkReady', 'READY').next(
    Pass.jsonata(kit.scope, 'ReadyWorker', {
      outputs: {
        outcome: 'ready',
        name: NAME,
        generation: GENERATION,
        role: '{% $worker.role %}',
        address: '{% $worker.address %}',
        instance: '{% $instance %}',
        certificateNotAfter: '{% $identity.notAfter %}',
      },
    }),
  );

const advance = (kit: Kit, id: string, phase: 'BOOTED' | 'MESHED' | 'READY') =>
  operation(kit, id, {
    capability: 'registry',
    operation: 'advance',
    input: { name: NAME, generation: GENERATION, execution: EXECUTION, phase },
  });

/** `States.ALL` does not catch `States.DataLimitExceeded`, which has to be named. */
const catchEverything = (state: Parallel, handler: IChainable, assign: Record<string, unknown>): void => {
  state.addCatch(handler, { errors: ['States.DataLimitExceeded'], assign });
  state.addCatch(handler, { errors: ['States.ALL'], assign });
};

/** Variables of the caught branch are gone: the roll-back takes name and generation, and asks registry and tags. */
const undoAndFail = (kit: Kit): IChainable => {
  const fail = Fail.jsonata(kit.scope, 'ProvisionFailed', {
    error: '{% $failure.error %}',
    cause: '{% $failure.cause %}',
  });
  // A teardown follows when the roll-back fails as well: the execution's status starts it.
  const rollingBack = Parallel.jsonata(kit.scope, 'RollBack').branch(rollBack(kit));
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
    input: {
      name: NAME,
      generation: GENERATION,
      execution: EXECUTION,
      error: '{% $failure.error %}',
      cause: '{% $failure.cause %}',
    },
  });
  record.addCatch(rollingBack, { errors: ['States.ALL'] });
  return record.next(rollingBack);
};
