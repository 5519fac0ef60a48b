import { Stack } from 'aws-cdk-lib';
import { Choice, Condition, Pass, type State } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { instanceArn } from '../names.ts';
import { carryOn, EXECUTION, type Kit, operation, skipOnError } from './operation.ts';
import { consumesAws, homelabApiServer, providesHomelab } from './parameters.ts';
import { FENCED, undoStep } from './undo-step.ts';

/**
 * What undoes a worker's part in a cluster, before its identity goes: without it the mesh is closed, and with it the
 * other side's API. Every step is carried on from, so that the instance goes in any case.
 */

const INSTANCE = '{% $fenced.instanceId %}';
const HOMELAB = '{% $homelab.instanceId %}';
const HANDOVER = '{% $handover %}';
const API_SERVER = "{% 'https://' & $fenced.address & ':6443' %}";

/** A gpu-worker leaves its cluster, a lighthouse takes its cluster out of the homelab's. */
export const leaveClusters = (kit: Kit, next: State): State =>
  Choice.jsonata(kit.scope, 'DrainNodeRole')
    .when(
      Condition.jsonata("{% $fenced.role = 'gpu-worker' and $fenced.serverInstanceId != '' %}"),
      drainNode(kit, next),
    )
    .when(Condition.jsonata("{% $fenced.role = 'lighthouse' and $fenced.peered %}"), unpeerClusters(kit, next))
    .otherwise(next);

const drainNode = (kit: Kit, next: State): State =>
  undoStep(kit, {
    stage: 'DrainNode',
    step: 'leave-cluster',
    instanceId: '{% $fenced.serverInstanceId %}',
    run: 'undo',
    parameters: {
      NodeName: "{% 'carrierarr-' & $fenced.name %}",
      DrainSeconds: String(kit.config.liqo.drainSeconds),
    },
    done: next,
  });

/** find → (open → credential → unpeer → delete credential, or by force) → forget → close. Read from the end upwards. */
const unpeerClusters = (kit: Kit, next: State): State => {
  const close = closeHandover(kit, next);
  const forget = forgetCluster(kit, close);
  const { config } = kit;
  const force = consumesAws(config) ? forceUnpeer(kit, forget) : forget;
  const worker = Choice.jsonata(kit.scope, 'UnpeerWorkerThere')
    .when(Condition.jsonata("{% $fenced.instanceId = '' %}"), force)
    // Where Liqo is off by now, nobody on EC2 can be asked, but the homelab may know a cluster of before.
    .otherwise(config.liqo.enabled ? withWorker(kit, { done: forget, failed: force }) : force);
  const there = Choice.jsonata(kit.scope, 'UnpeerHomelabThere')
    .when(Condition.jsonata("{% $homelab.instanceId = '' %}"), homelabOffline(kit, close))
    .otherwise(worker);
  return findHomelab(kit, { done: there, failed: close });
};

interface Ways {
  readonly done: State;
  readonly failed: State;
}

/** Each direction that was peered, the other way round. */
const withWorker = (kit: Kit, ways: Ways): State => {
  const home = consumesAws(kit.config) ? unpeerHomelab(kit, ways) : ways.done;
  return providesHomelab(kit.config) ? unpeerAws(kit, home) : home;
};

const findHomelab = (kit: Kit, { done, failed }: Ways): State => {
  const find = operation(kit, 'UnpeerFindHomelab', {
    capability: 'homelab',
    operation: 'find',
    input: { name: FENCED.name, required: false },
    assign: { homelab: '{% $states.result.Payload %}' },
  });
  skipOnError(find, failed);
  find.next(done);
  return find;
};

/** Nothing can be done there now; the output says what is left to be done. */
const homelabOffline = ({ scope, config }: Kit, next: State): State => {
  const { liqo, cilium } = config;
  if (!liqo.enabled && !cilium.clusterMesh) return next;
  const remedies = [
    ...(liqo.enabled ? ["run liqoctl force unpeer ' & $fenced.cluster & ' there"] : []),
    ...(cilium.clusterMesh
      ? ["take ' & $fenced.cluster & ' out of the values of Cilium: clustermesh.config.clusters there"]
      : []),
  ];
  const cause =
    "'the homelab has no node online, so that it still knows cluster ' & $fenced.cluster & " +
    `'. Remedy: ${remedies.join('; ')}'`;
  const note = `{'step': 'UnpeerClusters', 'error': 'HomelabOfflineError', 'cause': ${cause}}`;
  const offline = Pass.jsonata(scope, 'UnpeerHomelabOffline', {
    assign: { skipped: `{% $append($skipped, [${note}]) %}` },
  });
  offline.next(next);
  return offline;
};

/** The first credential is gone since the peering stood: the undoing gets one of its own. */
const unpeerHomelab = (kit: Kit, { done, failed }: Ways): State => {
  const { clusterName, door } = kit.config.homelab;
  const forget = undoStep(kit, {
    stage: 'UnpeerDeleteUser',
    step: 'delete-peering-user',
    instanceId: INSTANCE,
    run: 'undo',
    parameters: { ConsumerClusterId: clusterName },
    done,
  });
  const unpeer = undoStep(kit, {
    stage: 'UnpeerClusters',
    step: 'homelab-unpeer',
    instanceId: HOMELAB,
    run: 'undo',
    parameters: {
      ProviderClusterId: '{% $fenced.cluster %}',
      SecretId: HANDOVER,
      ProviderUrl: API_SERVER,
      ProxyUrl: door,
      DrainSeconds: String(kit.config.liqo.drainSeconds),
    },
    done: forget,
    failed,
  });
  const user = undoStep(kit, {
    stage: 'UnpeerUser',
    step: 'make-peering-user',
    instanceId: INSTANCE,
    run: 'undo',
    parameters: { ConsumerClusterId: clusterName, SecretId: HANDOVER },
    done: unpeer,
    failed,
  });
  return openHandover(kit, 'UnpeerOpen', 'aws', { done: user, failed });
};

/** Without the provider: what the homelab keeps of it goes by force. */
const forceUnpeer = (kit: Kit, next: State): State =>
  undoStep(kit, {
    stage: 'ForceUnpeer',
    step: 'homelab-unpeer',
    instanceId: HOMELAB,
    run: 'force',
    parameters: {
      ProviderClusterId: '{% $fenced.cluster %}',
      SecretId: '',
      ProviderUrl: '',
      ProxyUrl: '',
      DrainSeconds: '0',
    },
    done: next,
  });

/** The other direction: EC2 gives back what it had of the homelab. No force, since the instance goes anyway. */
const unpeerAws = (kit: Kit, next: State): State => {
  const { config } = kit;
  const { clusterName } = config.homelab;
  const unpeer = undoStep(kit, {
    stage: 'UnpeerClustersAws',
    step: 'unpeer',
    instanceId: INSTANCE,
    run: 'undo',
    parameters: {
      ProviderClusterId: clusterName,
      SecretId: HANDOVER,
      ProviderUrl: homelabApiServer(config),
      ProxyUrl: '',
      DrainSeconds: String(config.liqo.drainSeconds),
    },
    done: next,
  });
  const user = undoStep(kit, {
    stage: 'UnpeerAwsUser',
    step: 'homelab-make-peering-user',
    instanceId: HOMELAB,
    run: 'undo',
    parameters: { ConsumerClusterId: '{% $fenced.cluster %}', SecretId: HANDOVER },
    done: unpeer,
    failed: next,
  });
  return openHandover(kit, 'UnpeerAwsOpen', 'homelab', { done: user, failed: next });
};

const forgetCluster = (kit: Kit, next: State): State =>
  undoStep(kit, {
    stage: 'UnpeerForget',
    step: 'homelab-forget-cluster',
    instanceId: HOMELAB,
    run: 'undo',
    parameters: { ClusterId: '{% $fenced.cluster %}' },
    done: next,
  });

const openHandover = (kit: Kit, id: string, purpose: 'aws' | 'homelab', { done, failed }: Ways): LambdaInvoke => {
  const worker = workerArn(kit);
  const homelab = '{% $homelab.instanceArn %}';
  const ends = purpose === 'aws' ? { writer: worker, reader: homelab } : { writer: homelab, reader: worker };
  const open = operation(kit, id, {
    capability: 'identity',
    operation: 'openHandover',
    input: { ...FENCED, execution: EXECUTION, purpose, ...ends },
    assign: { handover: '{% $states.result.Payload.secretId %}' },
  });
  skipOnError(open, failed);
  open.next(done);
  return open;
};

/** The registry keeps an instance's id; its ARN follows from it. */
const workerArn = ({ scope }: Kit): string => `{% '${instanceArn(Stack.of(scope), '')}' & $fenced.instanceId %}`;

/** Also what a provision left open when it failed. */
const closeHandover = (kit: Kit, next: State): LambdaInvoke => {
  const close = operation(kit, 'UnpeerClose', { capability: 'identity', operation: 'closeHandover', input: FENCED });
  carryOn(close, next);
  return close;
};
