import { createHash } from 'node:crypto';
import type { HomelabStepName, StepName, Timeline } from '#contract';
import type { BootVerdict } from './boot.ts';
import type { NodeSecrets } from './secrets.ts';

/** How a played step ends: its exit code and what it says, which a real script would have found out. */
export interface Outcome {
  readonly rc: number;
  readonly tail: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What a play goes by. */
export interface Scene {
  /** Undefined while the boot has not ended. */
  readonly verdict: BootVerdict | undefined;
  /** What the node has marked so far. */
  readonly timeline: Timeline;
  readonly parameter: (name: string) => string;
  readonly secrets: NodeSecrets;
}

type Play = (scene: Scene) => Outcome | Promise<Outcome>;
type BootedPlay = (booted: Extract<BootVerdict, { outcome: 'done' }>, parameter: (name: string) => string) => Outcome;

const pass = (tail: string, details: Outcome['details'] = {}): Outcome => ({ rc: 0, tail, details });
const fail = (tail: string): Outcome => ({ rc: 1, tail });

const notBooted = (verdict: Exclude<BootVerdict, { outcome: 'done' }> | undefined): Outcome =>
  fail(verdict === undefined ? 'the boot has not ended' : `boot failed: ${verdict.reason}`);

const booted =
  (play: BootedPlay): Play =>
  ({ verdict, parameter }) =>
    verdict?.outcome === 'done' ? play(verdict, parameter) : notBooted(verdict);

/** A play that both sides know, on an instance: only once its boot is done. */
const onceBooted =
  (play: Play): Play =>
  (scene) =>
    scene.verdict?.outcome === 'done' ? play(scene) : notBooted(scene.verdict);

/** What a step that no play names does: succeed, once the boot has. */
export const anyStep: Play = booted(() => pass(''));

const verifyMesh: BootedPlay = ({ identity }, parameter) =>
  identity.nebula_ip === parameter('NebulaIp')
    ? pass(`nebula0 has ${identity.nebula_ip}; ${parameter('LighthouseIp')} answers`)
    : fail(`nebula0 has ${identity.nebula_ip}, expected ${parameter('NebulaIp')}`);

const nodeStatus: Play = ({ verdict, timeline }) =>
  pass('', {
    boot: verdict?.outcome ?? 'pending',
    bootReason: verdict?.outcome === 'failed' ? verdict.reason : '',
    timeline,
    meshAddress: verdict?.outcome === 'done' ? verdict.identity.nebula_ip : '',
    services: {},
    certificate: null,
  });

/** `nvidia.com/gpu=1,…` as an object. */
const pairs = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(',')
      .filter((pair) => pair.includes('='))
      .map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );

const message = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

const makePeeringUser: Play = async ({ parameter, secrets }) => {
  const consumer = parameter('ConsumerClusterId');
  try {
    await secrets.write(parameter('SecretId'), `kubeconfig of liqo-cluster-${consumer}, played`);
    return pass(`peering user for ${consumer} made`);
  } catch (error) {
    return fail(`secret ${parameter('SecretId')}: ${message(error)}`);
  }
};

/** Steps that need the credential fail where it is missing, unreadable or empty. */
const withCredential =
  (outcome: (parameter: Scene['parameter']) => Outcome): Play =>
  async ({ parameter, secrets }) => {
    const secretId = parameter('SecretId');
    try {
      const credential = await secrets.read(secretId);
      return ['', '{}'].includes(credential) ? fail(`secret ${secretId} is empty`) : outcome(parameter);
    } catch (error) {
      return fail(`secret ${secretId}: ${message(error)}`);
    }
  };

const installLiqo: Play = ({ parameter }) => pass(`Liqo ${parameter('Version')} is ready`, { changed: true });

const peer = withCredential((parameter) => pass(`peered with ${parameter('ProviderClusterId')}`));

const unpeered = (parameter: Scene['parameter']): Outcome => pass(`unpeered from ${parameter('ProviderClusterId')}`);
const unpeer: Play = (scene) =>
  scene.parameter('SecretId') === '' ? unpeered(scene.parameter) : withCredential(unpeered)(scene);

const CHECKS = ['peering-healthy', 'virtual-node-ready', 'home-to-aws-1MiB', 'aws-to-home-1MiB'];

const verifyPeering: Play = ({ parameter }) =>
  pass('', {
    virtualNode: parameter('ProviderClusterId'),
    capacity: { cpu: '4', memory: '8Gi', pods: '110', ...pairs(parameter('Resources')) },
    checks: CHECKS.map((name) => ({ name, ok: true, ms: 1 })),
    mtu: Number(parameter('Mtu')),
  });

const installCilium: BootedPlay = ({ identity }, parameter) =>
  pass(`Cilium ${parameter('Version')} is ready`, {
    changed: true,
    caHash: createHash('sha256').update(identity.nebula_node_crt).digest('hex'),
  });

const joinCluster: BootedPlay = (_, parameter) =>
  pass('', { node: parameter('NodeName'), gpu: parameter('Gpu') === 'required' ? '1' : '0' });

const said =
  (text: (parameter: Scene['parameter']) => string): Play =>
  ({ parameter }) =>
    pass(text(parameter));

export const PLAYS: Readonly<Record<StepName | HomelabStepName, Play>> = {
  'await-boot': onceBooted(({ timeline }) => pass('boot done', { boot: 'done', timeline })),
  'verify-nebula': booted(verifyMesh),
  'node-status': nodeStatus,
  'renew-certificate': booted((_, parameter) => pass('', { fingerprint: parameter('Fingerprint') })),
  'install-cilium': booted(installCilium),
  'install-liqo': onceBooted(installLiqo),
  'make-peering-user': onceBooted(makePeeringUser),
  'delete-peering-user': booted((_, parameter) => pass(`peering user of ${parameter('ConsumerClusterId')} deleted`)),
  peer: onceBooted(peer),
  unpeer: onceBooted(unpeer),
  'verify-peering': onceBooted(verifyPeering),
  'verify-gpu': booted((_, parameter) => pass(`Ollama answers on ${parameter('NebulaIp')} only`)),
  'join-cluster': booted(joinCluster),
  'leave-cluster': booted((_, parameter) => pass(`node ${parameter('NodeName')} drained and deleted`)),
  'verify-agent': booted(() => pass('worker-agent is active')),
  'enter-service': onceBooted(({ timeline }) => pass('in service', { timeline })),
  'offer-clustermesh': onceBooted(makePeeringUser),
  'homelab-preflight': said(() => 'nothing stands in the way'),
  'homelab-verify-mesh': said((parameter) => `the lighthouse tells of a handshake with ${parameter('NebulaIp')}`),
  'homelab-install-liqo': installLiqo,
  'homelab-make-peering-user': makePeeringUser,
  'homelab-peer': peer,
  'homelab-verify-peering': verifyPeering,
  'homelab-verify-agent': said((parameter) => `the control plane has heard from ${parameter('NebulaIp')}`),
  'homelab-unpeer': unpeer,
  'homelab-forget-cluster': said((parameter) => `nothing is left of ${parameter('ClusterId')}`),
  'homelab-connect-clustermesh': withCredential((parameter) => pass(`connected to ${parameter('ClusterName')}`)),
};
