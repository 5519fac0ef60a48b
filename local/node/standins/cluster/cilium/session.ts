import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../client/kube-client.ts';
import type { Flags } from '../flags.ts';
import { lastRevision, type Release } from '../helm-store.ts';
import { dig, type KubeObject, textAt } from '../object.ts';

export const NAMESPACE = 'kube-system';
export const RELEASE = 'cilium';

/** A cluster as one call of the Cilium CLI sees it. */
export class CiliumSession {
  readonly client: KubeClient;
  readonly flags: Flags;

  constructor(flags: Flags, context: string | undefined) {
    this.flags = flags;
    this.client = KubeClient.open({ kubeconfig: flags.get('kubeconfig'), context });
  }

  release(): Promise<Release | undefined> {
    return lastRevision(this.client, NAMESPACE, RELEASE);
  }
}

export interface PartStatus {
  readonly name: string;
  readonly kind: string;
  readonly desired: number;
  readonly ready: number;
}

const countOf = (object: KubeObject): { desired: number; ready: number } => {
  const number = (...path: string[]): number => Number(textAt(object, ...path) || '0');
  return object.kind === 'DaemonSet'
    ? { desired: number('status', 'desiredNumberScheduled'), ready: number('status', 'numberReady') }
    : { desired: Number(dig(object, 'spec', 'replicas') ?? 1), ready: number('status', 'readyReplicas') };
};

/** The parts of Cilium that are there, and how many pods of each are ready. */
export const partsOf = async (client: KubeClient): Promise<PartStatus[]> => {
  const selector = 'app.kubernetes.io/part-of=cilium';
  const lists = await Promise.all(
    ['daemonsets.apps', 'deployments.apps'].map((resource) =>
      client.list({ resource, namespace: NAMESPACE, selector }),
    ),
  );
  return lists.flat().map((object) => ({ name: object.metadata.name, kind: object.kind, ...countOf(object) }));
};

export const allReady = (parts: readonly PartStatus[]): boolean =>
  parts.length > 0 && parts.every(({ desired, ready }) => desired > 0 && ready >= desired);

/** Looks until it holds or the time is over. */
export const until = async (look: () => Promise<boolean>, limitMs: number): Promise<boolean> => {
  const end = Date.now() + limitMs;
  for (;;) {
    if (await look()) return true;
    if (Date.now() >= end) return false;
    await sleep(150);
  }
};
