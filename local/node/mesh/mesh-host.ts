import type { LocalNodeHost } from '../host.ts';
import { createCellHost } from '../sandbox/cell-host.ts';
import { RealHomelab, type RealHomelabOptions } from './real-homelab.ts';
import { HOMELAB_ADDRESS } from './underlay.ts';

export interface MeshOptions extends RealHomelabOptions {
  readonly reason: string;
  /** Public name of the homelab. */
  readonly homelabName: string;
}

/** Nodes with real Nebula on a private underlay, and a real lighthouse that trusts two authorities. */
export const createMeshHost = (options: MeshOptions): LocalNodeHost => {
  const homelab = new RealHomelab(options);
  return createCellHost({
    kind: 'mesh',
    reason: options.reason,
    overlay: true,
    tun: true,
    nebula: options.nebula,
    standIns: ['cluster-bin', 'common'],
    shared: homelab.shared,
    hosts: { [options.homelabName]: HOMELAB_ADDRESS },
    connect: async (pid, spec) => (await homelab.prepared()).underlay.connect(pid, spec),
    homelab,
    close: () => homelab.stop(),
  });
};
