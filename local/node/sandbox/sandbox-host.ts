import type { LocalNodeHost } from '../host.ts';
import { playedHomelab } from '../played/homelab.ts';
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
    homelab: playedHomelab,
    close: async () => undefined,
  });
