import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeObject, listAt, textAt } from '../object.ts';
import { Exit } from '../program.ts';
import { durationOf, type Session } from './session.ts';

const cordonTo =
  (unschedulable: boolean, done: string) =>
  async (session: Session): Promise<number> => {
    for (const name of session.words.map((word) => word.replace(/^node\//, ''))) {
      const node = await session.client.get({ resource: 'nodes', name });
      const already = textAt(node, 'spec', 'unschedulable') === String(unschedulable);
      await session.client.patch({ resource: 'nodes', name }, { spec: { unschedulable: unschedulable || null } });
      process.stdout.write(`node/${name} ${already ? 'already ' : ''}${done}\n`);
    }
    return 0;
  };

export const cordon = cordonTo(true, 'cordoned');
export const uncordon = cordonTo(false, 'uncordoned');

const ownerOf = (pod: KubeObject): string => pod.metadata.ownerReferences?.[0]?.kind ?? '';

const fullName = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;

const refusals = (session: Session, pods: readonly KubeObject[]): string[] => {
  const { flags } = session;
  const named = (list: readonly KubeObject[], text: string): string[] =>
    list.length === 0 ? [] : [`${text}: ${list.map(fullName).join(', ')}`];
  const daemons = pods.filter((pod) => ownerOf(pod) === 'DaemonSet');
  const lone = pods.filter((pod) => ownerOf(pod) === '');
  const local = pods.filter(
    (pod) =>
      ownerOf(pod) !== 'DaemonSet' &&
      listAt(pod, 'spec', 'volumes').some((v) => typeof v === 'object' && v !== null && 'emptyDir' in v),
  );
  return [
    ...(flags.on('ignore-daemonsets')
      ? []
      : named(daemons, 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)')),
    ...(flags.on('force')
      ? []
      : named(lone, 'cannot delete cannot delete Pods that declare no controller (use --force to override)')),
    ...(flags.on('delete-emptydir-data')
      ? []
      : named(local, 'cannot delete Pods with local storage (use --delete-emptydir-data to override)')),
  ];
};

const awaitGone = async (session: Session, pods: readonly KubeObject[], name: string): Promise<void> => {
  const timeout = flagsTimeout(session);
  const end = Date.now() + timeout.ms;
  for (const pod of pods) {
    const reference = { resource: 'pods', name: pod.metadata.name, namespace: pod.metadata.namespace };
    let now = await session.client.find(reference);
    while (now !== undefined && now.metadata.uid === pod.metadata.uid) {
      if (Date.now() > end) {
        const why = `error when waiting for pod "${pod.metadata.name}" in namespace "${pod.metadata.namespace}" to terminate: global timeout reached: ${timeout.text}`;
        throw new Exit(
          1,
          `error: unable to drain node "${name}" due to error: ${why}, continuing command...\nThere are pending nodes to be drained:\n ${name}`,
        );
      }
      await sleep(100);
      now = await session.client.find(reference);
    }
    process.stdout.write(`pod/${pod.metadata.name} evicted\n`);
  }
};

const flagsTimeout = ({ flags }: Session): { ms: number; text: string } => {
  const text = flags.get('timeout') ?? '0s';
  const ms = durationOf(text);
  return { ms: ms === 0 ? 3_600_000 : ms, text };
};

/** `kubectl drain`. */
export const drain = async (session: Session): Promise<number> => {
  await cordon(session);
  for (const name of session.words.map((word) => word.replace(/^node\//, ''))) {
    const pods = await session.client.list({
      resource: 'pods',
      selector: session.flags.get('pod-selector'),
      fields: `spec.nodeName=${name}`,
    });
    const why = refusals(session, pods);
    if (why.length > 0) {
      throw new Exit(
        1,
        `error: unable to drain node "${name}" due to error: [${why.join(', ')}], continuing command...\nThere are pending nodes to be drained:\n ${name}`,
      );
    }
    const leaving = pods.filter((pod) => ownerOf(pod) !== 'DaemonSet');
    for (const pod of leaving) {
      process.stdout.write(`evicting pod ${fullName(pod)}\n`);
      const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/eviction`;
      await session.client.raw('POST', path, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: pod.metadata });
    }
    await awaitGone(session, leaving, name);
    process.stdout.write(`node/${name} drained\n`);
  }
  return 0;
};
