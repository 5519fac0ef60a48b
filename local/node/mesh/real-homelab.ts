import { join } from 'node:path';
import { ConfigurationError } from '#shared/errors.ts';
import { bundlePrograms } from '../homelab/bundle-programs.ts';
import { HomelabHost } from '../homelab/host.ts';
import type { Ground } from '../homelab/place.ts';
import { startPod } from '../homelab/pod.ts';
import { runScript } from '../homelab/run-script.ts';
import type { Homelab } from '../host.ts';
import type { Shared } from '../sandbox/cell-host.ts';
import type { CellNode } from '../sandbox/cell-node.ts';
import { type LighthouseIdentity, makeHomelabAuthority } from './authority.ts';
import { LIGHTHOUSE_LOG, lighthouseConfig, lighthouseScript } from './lighthouse.ts';
import { layPodNetwork, plugIn } from './pod-network.ts';
import { Underlay } from './underlay.ts';

export interface RealHomelabOptions {
  /** Host path of a nebula that is not where a node sees it anyway. */
  readonly nebula: string | undefined;
  readonly nebulaCert: string;
  /** Mesh address and mask of the lighthouse. */
  readonly lighthouse: string;
}

interface Prepared {
  readonly host: HomelabHost;
  readonly underlay: Underlay;
  readonly identity: LighthouseIdentity;
  readonly ground: Ground;
}

/** A homelab with a network: a node with the lighthouse and the mesh door on it, and a pod behind that node. */
export class RealHomelab implements Homelab {
  readonly #options: RealHomelabOptions;
  #shared: Shared | undefined;
  #prepared: Promise<Prepared> | undefined;
  #pod: CellNode | undefined;

  constructor(options: RealHomelabOptions) {
    this.#options = options;
  }

  readonly shared = (): Shared | undefined => this.#shared;

  readonly prepareHomelab = async (directory: string): Promise<{ trustedCaPem: string }> => {
    this.#prepared ??= this.#prepare(directory);
    return { trustedCaPem: (await this.#prepared).identity.caPem };
  };

  readonly startHomelab: Homelab['startHomelab'] = async ({
    fleetCaPem,
    node: spec,
    provides = false,
    controlPlane,
  }) => {
    const { host, identity, ground } = await this.prepared();
    const config = lighthouseConfig(`${identity.caPem.trimEnd()}\n${fleetCaPem}`, provides);
    await runScript(host.cell, 'lighthouse', lighthouseScript(identity, config));
    const programs = { lighthouseLog: LIGHTHOUSE_LOG, lighthouseConfig: config, provides };
    const pageSocket = await host.startPrograms(programs, spec.awsEndpoint, controlPlane);
    this.#pod = await startPod({ spec, ground, connect: (pid: number) => plugIn(host.cell.pid, pid) });
    return { node: this.#pod, pageSocket };
  };

  prepared(): Promise<Prepared> {
    if (this.#prepared !== undefined) return this.#prepared;
    throw new ConfigurationError({
      what: 'the homelab is not there yet, and with it the network between it and the nodes',
      remedy: 'call prepareHomelab first',
    });
  }

  async #prepare(directory: string): Promise<Prepared> {
    const { nebulaCert, lighthouse, nebula } = this.#options;
    const shared = { wires: undefined, cluster: join(directory, 'cluster') };
    await bundlePrograms(shared.cluster);
    this.#shared = shared;
    const ground = { overlay: true, tun: true, nebula, shared, standIns: ['cluster-bin', 'common'] };
    const identity = await makeHomelabAuthority(nebulaCert, directory, lighthouse);
    const host = await HomelabHost.start({ directory, ground, connect: layPodNetwork });
    try {
      return { host, identity, ground, underlay: await Underlay.lay(host.cell.pid) };
    } catch (error) {
      await host.cell.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const prepared = await this.#prepared?.catch(() => undefined);
    await Promise.all([this.#pod?.stop(), prepared?.host.cell.stop()]);
  }
}
