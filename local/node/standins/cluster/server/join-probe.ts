import { textAt } from '../object.ts';
import { builtIn } from './kinds.ts';
import type { Probe } from './probes.ts';

const BYTES = 1_048_576;

/** Full-size packets of pods between nodes of one VPC: Cilium's tunnel leaves 50 bytes less than this. */
const NEEDED_MTU = 1300;

/** What a pod finds that fetches a megabyte from another pod of its cluster (`ssm/join-cluster.sh`). */
export const joinFetch: Probe = (_, { cluster, network, variable }) => {
  const isThere = cluster.store
    .list(builtIn('pods'))
    .some(
      (pod) =>
        textAt(pod, 'status', 'podIP') === variable('TARGET').split(':')[0] &&
        textAt(pod, 'status', 'phase') === 'Running',
    );
  const passes = isThere && network.mtu >= NEEDED_MTU && !network.down.includes('join');
  const message = passes ? { ok: true, bytes: BYTES } : { ok: false, bytes: 0, of: BYTES };
  return { exitCode: passes ? 0 : 1, message: JSON.stringify(message) };
};
