import type { Chain } from 'aws-cdk-lib/aws-stepfunctions';
import { Pass } from 'aws-cdk-lib/aws-stepfunctions';
import { onlyIf, sequence } from './branch.ts';
import { advance, HOMELAB_THERE, LIFE, onHomelab, onWorker } from './life.ts';
import { EXECUTION, type Kit, operation } from './operation.ts';
import { pollUntil } from './poll.ts';

/** The stages that every worker goes through: identity, instance, boot, mesh; and its being ready at the end. */

/** One state, because a private key never crosses a state. */
export const issueIdentity = (kit: Kit) =>
  operation(kit, 'IssueIdentity', {
    capability: 'identity',
    operation: 'issue',
    input: { worker: '{% $worker %}', execution: EXECUTION, server: '{% $server %}' },
    assign: { identity: '{% $states.result.Payload %}' },
  });

export const launchInstance = (kit: Kit) =>
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

export const awaitSsm = (kit: Kit): Chain => {
  const look = operation(kit, 'AwaitSsm', {
    capability: 'run-command',
    operation: 'online',
    input: { name: LIFE.name, instanceId: '{% $instance.instanceId %}', since: '{% $sinceLaunch %}' },
  });
  return pollUntil(kit.scope, { stage: 'AwaitSsm', look, until: 'online', since: 'sinceLaunch' });
};

export const awaitBoot = (kit: Kit): Chain =>
  sequence(
    onWorker(kit, {
      stage: 'AwaitBoot',
      step: 'await-boot',
      parameters: { LimitSeconds: String(kit.config.limits.bootSeconds) },
    }),
    advance(kit, 'AwaitBootRecord', 'BOOTED'),
  );

/** Seen from the worker, and from the lighthouse where there is somebody to read its log. */
export const verifyMesh = (kit: Kit): Chain => {
  const { lighthouse } = kit.config.homelab;
  return sequence(
    onWorker(kit, {
      stage: 'VerifyMesh',
      step: 'verify-nebula',
      parameters: { NebulaIp: '{% $worker.address %}', LighthouseIp: kit.config.mesh.lighthouse.address },
    }),
    onlyIf(
      kit.scope,
      'VerifyMeshHomelabThere',
      HOMELAB_THERE,
      onHomelab(kit, {
        stage: 'VerifyMeshHomelab',
        step: 'homelab-verify-mesh',
        parameters: {
          LighthouseNamespace: lighthouse.namespace,
          LighthouseDeployment: lighthouse.deployment,
          NebulaIp: '{% $worker.address %}',
        },
      }),
    ),
    advance(kit, 'VerifyMeshRecord', 'MESHED'),
  );
};

/**
 * The last thing asked of the node: from here on it lives until it is torn down. Until here its dead-man switch would
 * end it, so where this fails the worker is rolled back like after any other step.
 */
export const enterService = (kit: Kit): Chain =>
  onWorker(kit, { stage: 'EnterService', step: 'enter-service', parameters: {} });

export const markReady = (kit: Kit): Chain =>
  advance(kit, 'MarkReady', 'READY').next(
    Pass.jsonata(kit.scope, 'ReadyWorker', {
      outputs: {
        outcome: 'ready',
        ...LIFE,
        role: '{% $worker.role %}',
        address: '{% $worker.address %}',
        cluster: '{% $worker.cluster %}',
        instance: '{% $instance %}',
        certificateNotAfter: '{% $identity.notAfter %}',
      },
    }),
  );
