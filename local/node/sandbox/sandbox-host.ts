import { WiredHomelab } from '../homelab/wired-homelab.ts';
import type { LocalNodeHost } from '../host.ts';
import { createCellHost } from './cell-host.ts';

export interface SandboxOptions {
  readonly reason: string;
  /** False mounts the host's programs read-only instead of under overlays. */
  readonly overlay: boolean;
}

/** Nodes whose network leads nowhere: the mesh is a stand-in, and what the clusters say to each other goes over wires. */
export const createSandboxHost = (options: SandboxOptions): LocalNodeHost => {
  const homelab = new WiredHomelab(options.overlay);
  return createCellHost({
    kind: 'sandbox',
    ...options,
    tun: false,
    standIns: ['mesh-less', 'cluster-bin', 'common'],
    shared: homelab.shared,
    hosts: {},
    connect: async () => undefined,
    homelab,
    close: homelab.stop,
  });
};
