import { isDict, type KubeObject, listAt, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import type { Cluster } from './cluster.ts';
import { joinFetch } from './join-probe.ts';
import { PEERING_PROBES } from './peering-probes.ts';

export interface Verdict {
  readonly exitCode: number;
  /** What the container left in `/dev/termination-log`. */
  readonly message: string;
}

/** The network as a test wants it: knob `kube/network.json`. */
export interface NetworkModel {
  /** Largest packet that passes between the clusters. */
  readonly mtu: number;
  /** Probes, or checks of theirs, that find no way at all. */
  readonly down: readonly string[];
  /** How long a probe takes. */
  readonly slowMs: number;
}

/** What a probe's verdict is made from. */
export interface World {
  readonly cluster: Cluster;
  readonly node: KubeObject;
  readonly network: NetworkModel;
  /** A variable of the probe's first container. */
  readonly variable: (name: string) => string;
}

export type Probe = (pod: KubeObject, world: World) => Verdict;

/** Label or annotation by which a pod says which probe it is. */
export const PROBE_LABEL = 'carrierarr.io/probe';

/** Verdicts by kind of probe; a pod of no known kind ends well and says nothing. */
export const PROBES: Record<string, Probe> = { 'join-fetch': joinFetch, ...PEERING_PROBES };

export const networkModel = (): NetworkModel => {
  let told: unknown;
  try {
    told = JSON.parse(readKnob('kube/network.json') ?? '{}');
  } catch {
    told = {};
  }
  return {
    mtu: isDict(told) && typeof told.mtu === 'number' ? told.mtu : 1500,
    down: listAt(told, 'down').map(String),
    slowMs: isDict(told) && typeof told.slowMs === 'number' ? told.slowMs : 0,
  };
};

const variableOf = (pod: KubeObject, name: string): string =>
  textAt(
    listAt(pod.spec, 'containers', 0, 'env').find((entry) => textAt(entry, 'name') === name),
    'value',
  );

/** How a pod that ends by itself ends; undefined while it still runs. */
export const probeVerdict = (cluster: Cluster, pod: KubeObject, node: KubeObject): Verdict | undefined => {
  const network = networkModel();
  if (Date.now() - Date.parse(textAt(pod, 'status', 'startTime')) < network.slowMs) return undefined;
  const kind = textAt(pod, 'metadata', 'labels', PROBE_LABEL) || textAt(pod, 'metadata', 'annotations', PROBE_LABEL);
  const probe = PROBES[kind];
  if (probe === undefined) return { exitCode: network.down.includes(pod.metadata.name) ? 1 : 0, message: '' };
  return probe(pod, { cluster, node, network, variable: (name) => variableOf(pod, name) });
};
