import { type Clock, systemClock } from '#shared/clock.ts';
import type { HomelabNodeSpec, LocalNodeHost, NodeSpec, RunningNode } from '../host.ts';
import { PLAYED_CA } from './authority.ts';
import { type BootVerdict, playBoot, type ReadSecret } from './boot.ts';
import { PlayedNode } from './played-node.ts';
import { type Caller, type NodeSecrets, secretsOf } from './secrets.ts';

export interface PlayedHostOptions {
  readonly reason: string;
  readonly clock?: Clock;
  /** @default - the real calls to `awsEndpoint` */
  readonly secrets?: (caller: Caller) => NodeSecrets;
  /** @default 300 */
  readonly registrationMilliseconds?: number;
}

const bootOf =
  (spec: NodeSpec, readSecret: ReadSecret, clock: Clock) =>
  (stopped: () => boolean): Promise<BootVerdict> =>
    playBoot(spec, { readSecret, clock, stopped });

/** A homelab's node has booted long ago, and no step there asks for its identity. */
const booted = async (): Promise<BootVerdict> => ({
  outcome: 'done',
  identity: { nebula_ip: '', nebula_node_crt: '' },
});

/** The homelab's node where nothing of the homelab runs. */
export const playHomelabNode = (spec: HomelabNodeSpec): RunningNode =>
  new PlayedNode({ clock: systemClock, secrets: secretsOf(spec), registrationMilliseconds: 0, boot: booted });

/**
 * A host that executes nothing: for machines on which no sandbox can be had. It registers, fetches the worker's secret
 * as the boot program would, and answers steps by the contract; every answer says `"played": true`.
 */
export const createPlayedHost = (options: PlayedHostOptions): LocalNodeHost => {
  const { reason, clock = systemClock, secrets: open = secretsOf, registrationMilliseconds = 300 } = options;
  const nodes = new Set<RunningNode>();
  const begin = (caller: Caller, boot: (secrets: NodeSecrets) => (stopped: () => boolean) => Promise<BootVerdict>) => {
    const secrets = open(caller);
    const node = new PlayedNode({ clock, secrets, registrationMilliseconds, boot: boot(secrets) });
    nodes.add(node);
    return node;
  };
  return {
    kind: 'played',
    reason,
    start: async (spec) => begin(spec, (secrets) => bootOf(spec, (id) => secrets.read(id), clock)),
    prepareHomelab: async () => ({ trustedCaPem: PLAYED_CA }),
    startHomelab: async ({ node }: { node: HomelabNodeSpec }) => ({
      node: begin(node, () => booted),
      pageSocket: undefined,
    }),
    async close() {
      await Promise.all([...nodes].map((node) => node.stop()));
      nodes.clear();
    },
  };
};
