import type { LocalNodeHost } from '../host.ts';
import { PLAYED_CA } from '../played/authority.ts';
import { playHomelabNode } from '../played/played-host.ts';
import { createCellHost } from './cell-host.ts';

export interface SandboxOptions {
  readonly reason: string;
  /** False mounts the host's programs read-only instead of under overlays. */
  readonly overlay: boolean;
}

/** Nodes whose network leads nowhere: Nebula and its device are stand-ins, and so is the homelab. */
export const createSandboxHost = (options: SandboxOptions): LocalNodeHost =>
  createCellHost({
    kind: 'sandbox',
    ...options,
    tun: false,
    standIns: ['mesh-less', 'common'],
    hosts: {},
    connect: async () => undefined,
    homelab: {
      prepareHomelab: async () => ({ trustedCaPem: PLAYED_CA }),
      startHomelab: async ({ node }) => playHomelabNode(node),
    },
    close: async () => undefined,
  });
