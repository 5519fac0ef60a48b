import { Chain, Choice, Condition, type IChainable, Pass, type State } from 'aws-cdk-lib/aws-stepfunctions';
import { carryOn, EXECUTION, type Kit, operation, operationOnRequest } from './operation.ts';
import { pollUntil } from './poll.ts';
import { FENCED } from './undo-step.ts';
import { leaveClusters } from './unpeer.ts';

const { name: NAME, generation: GENERATION } = FENCED;
const AFTER_FENCE = { fenced: '{% $states.result.Payload %}', skipped: [] };

/** Input: TeardownRequest. Safe from every state a worker can be in, twice in a row, and when nothing is left. */
export const teardown = (kit: Kit): IChainable => {
  const fence = operationOnRequest(kit, 'FenceWorker', {
    capability: 'registry',
    operation: 'fence',
    input: {
      name: '$states.input.name',
      generation: "$exists($states.input.generation) ? $states.input.generation : ''",
      deregisterAmi: '$exists($states.input.deregisterAmi) ? $states.input.deregisterAmi : false',
      execution: '$states.context.Execution.Id',
    },
    assign: {
      ...AFTER_FENCE,
      deregisterAmi: '{% $exists($states.input.deregisterAmi) ? $states.input.deregisterAmi : false %}',
    },
  });
  return undo(kit, fence);
};

/** The teardown's steps inside a provision that failed; `$name` and `$generation` say whose. */
export const rollBack = (kit: Kit): IChainable => {
  const fence = operation(kit, 'FenceWorker', {
    capability: 'registry',
    operation: 'fence',
    input: { name: '{% $name %}', generation: '{% $generation %}', deregisterAmi: false, execution: EXECUTION },
    assign: { ...AFTER_FENCE, deregisterAmi: false },
  });
  return undo(kit, fence);
};

/**
 * The steps in reverse order of the provision. The secret goes before the wait for the instance, which takes minutes. A
 * step that must not keep the instance alive is carried on from; its error is kept in `skipped`.
 */
const undo = (kit: Kit, fence: State & { next(next: IChainable): Chain }): Chain => {
  const terminate = terminateInstance(kit);
  const revoke = revokeIdentity(kit, terminate.startState);
  // Before the identity goes: these still need the mesh.
  const leave = leaveClusters(kit, revoke);
  const cancel = cancelCommands(kit, leave);
  const whoever = Choice.jsonata(kit.scope, 'FenceWorkerBusy')
    .when(Condition.jsonata("{% $fenced.outcome = 'busy' %}"), alreadyUnderWay(kit))
    .otherwise(cancel);
  fence.next(whoever);
  const rest = terminate.next(releaseAddress(kit)).next(deregisterImage(kit)).next(proof(kit)).next(markRemoved(kit));
  return Chain.custom(fence, rest.endStates, fence);
};

/** Another teardown holds the lease: it does the work, and this one points to it. */
const alreadyUnderWay = ({ scope }: Kit): Pass =>
  Pass.jsonata(scope, 'FencedByAnother', {
    outputs: { name: NAME, generation: GENERATION, outcome: 'busy', holder: '{% $fenced.holder %}' },
  });

/** The open command of either side: an install that runs on would work against what follows. */
const cancelCommands = (kit: Kit, next: State): State =>
  cancelCommand(kit, {
    stage: 'CancelCommand',
    capability: 'run-command',
    instanceId: 'instanceId',
    commandId: 'commandId',
    next: cancelCommand(kit, {
      stage: 'CancelCommandHomelab',
      capability: 'homelab',
      instanceId: 'homelabInstanceId',
      commandId: 'homelabCommandId',
      next,
    }),
  });

interface CancelProps {
  readonly stage: string;
  readonly capability: 'run-command' | 'homelab';
  /** Fields of what the fence met. */
  readonly instanceId: string;
  readonly commandId: string;
  readonly next: State;
}

const cancelCommand = (kit: Kit, { stage, capability, instanceId, commandId, next }: CancelProps): State => {
  const cancel = operation(kit, stage, {
    capability,
    operation: 'cancel',
    input: { instanceId: `{% $fenced.${instanceId} %}`, commandId: `{% $fenced.${commandId} %}` },
  });
  carryOn(cancel, next);
  return Choice.jsonata(kit.scope, `${stage}Open`)
    .when(Condition.jsonata(`{% $fenced.${commandId} != '' %}`), cancel)
    .otherwise(next);
};

const revokeIdentity = (kit: Kit, next: State): State => {
  const revoke = operation(kit, 'RevokeIdentity', {
    capability: 'identity',
    operation: 'revoke',
    input: { name: NAME, generation: GENERATION },
  });
  carryOn(revoke, next);
  return revoke;
};

const terminateInstance = (kit: Kit): Chain => {
  const terminate = operation(kit, 'TerminateInstance', {
    capability: 'sweep',
    operation: 'terminate',
    input: { name: NAME, generation: GENERATION },
    assign: {
      instanceIds: '{% $states.result.Payload.instanceIds %}',
      sinceTerminate: '{% $millis() %}',
    },
  });
  const look = operation(kit, 'TerminateInstancePoll', {
    capability: 'sweep',
    operation: 'terminated',
    input: { name: NAME, instanceIds: '{% $instanceIds %}', since: '{% $sinceTerminate %}' },
  });
  return terminate.next(
    pollUntil(kit.scope, { stage: 'TerminateInstance', look, until: 'gone', since: 'sinceTerminate' }),
  );
};

const releaseAddress = (kit: Kit): State & IChainable =>
  operation(kit, 'ReleaseAddress', {
    capability: 'registry',
    operation: 'releaseAddress',
    input: { name: NAME, generation: GENERATION },
  });

/** Only when asked for: other workers boot from the same image. */
const deregisterImage = (kit: Kit): Chain => {
  const begin = Pass.jsonata(kit.scope, 'ProveBegin', { assign: { sinceProve: '{% $millis() %}' } });
  const deregister = operation(kit, 'DeregisterImage', {
    capability: 'sweep',
    operation: 'deregister',
    input: { name: NAME, amiId: '{% $fenced.amiId %}' },
  });
  carryOn(deregister, begin);
  const asked = Choice.jsonata(kit.scope, 'DeregisterImageAsked')
    .when(Condition.jsonata("{% $deregisterAmi and $fenced.amiId != '' %}"), deregister)
    .otherwise(begin);
  return Chain.custom(asked, [begin], begin);
};

/** Asks AWS, not the registry, whether anything of the worker is left; "not clean" means: look again. */
const proof = (kit: Kit): Chain => {
  const look = operation(kit, 'Prove', {
    capability: 'sweep',
    operation: 'prove',
    input: {
      name: NAME,
      generation: GENERATION,
      instanceId: '{% $fenced.instanceId %}',
      proveAfter: '{% $fenced.proveAfter %}',
      since: '{% $sinceProve %}',
    },
    assign: { checked: '{% $states.result.Payload.checked %}' },
  });
  return pollUntil(kit.scope, { stage: 'Prove', look, until: 'clean', since: 'sinceProve' });
};

const markRemoved = (kit: Kit): Chain =>
  operation(kit, 'MarkRemoved', {
    capability: 'registry',
    operation: 'markRemoved',
    input: { name: NAME, generation: GENERATION, execution: EXECUTION },
  }).next(
    Pass.jsonata(kit.scope, 'Removed', {
      outputs: {
        name: NAME,
        generation: GENERATION,
        outcome: '{% $fenced.outcome %}',
        checked: '{% $checked %}',
        skipped: '{% $skipped %}',
      },
    }),
  );
