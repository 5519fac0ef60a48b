import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '#shared/errors.ts';
import type { Homelab } from '../host.ts';
import { lighthouseConfig } from '../mesh/lighthouse.ts';
import { PLAYED_CA } from '../played/authority.ts';
import { WIRES } from '../sandbox/cell.ts';
import { ownerOfCells, type Shared } from '../sandbox/cell-host.ts';
import type { CellNode } from '../sandbox/cell-node.ts';
import { bundlePrograms } from './bundle-programs.ts';
import { HomelabHost } from './host.ts';
import type { Ground } from './place.ts';
import { startPod } from './pod.ts';

const noNetwork = async (): Promise<void> => undefined;

/** A homelab without a network: its machines and the nodes find each other by sockets in one folder. */
export class WiredHomelab implements Homelab {
  readonly #overlay: boolean;
  readonly #cells: CellNode[] = [];
  #directory = '';
  #shared: Shared | undefined;

  constructor(overlay: boolean) {
    this.#overlay = overlay;
  }

  readonly shared = (): Shared | undefined => this.#shared;

  readonly prepareHomelab = async (directory: string): Promise<{ trustedCaPem: string }> => {
    const shared = { wires: join(directory, 'wires'), cluster: join(directory, 'cluster') };
    await mkdir(shared.wires, { recursive: true, mode: 0o700 });
    await bundlePrograms(shared.cluster);
    const owner = ownerOfCells();
    if (owner !== undefined) await chown(shared.wires, owner, owner);
    this.#directory = directory;
    this.#shared = shared;
    return { trustedCaPem: PLAYED_CA };
  };

  readonly startHomelab: Homelab['startHomelab'] = async ({
    fleetCaPem,
    node: spec,
    provides = false,
    controlPlane,
  }) => {
    const ground = this.#ground();
    const host = await HomelabHost.start({ directory: this.#directory, ground, connect: noNetwork });
    this.#cells.push(host.cell);
    const config = lighthouseConfig(`${PLAYED_CA.trimEnd()}\n${fleetCaPem}`, provides);
    const programs = { lighthouseLog: `${WIRES}/lighthouse.log`, lighthouseConfig: config, provides };
    const pageSocket = await host.startPrograms(programs, spec.awsEndpoint, controlPlane);
    const node = await startPod({ spec, ground, connect: noNetwork });
    this.#cells.push(node);
    return { node, pageSocket };
  };

  readonly stop = async (): Promise<void> => {
    await Promise.all(this.#cells.map((cell) => cell.stop()));
  };

  #ground(): Ground {
    if (this.#shared === undefined) {
      throw new ConfigurationError({ what: 'the homelab is not there yet', remedy: 'call prepareHomelab first' });
    }
    const standIns = ['mesh-less', 'cluster-bin', 'common'];
    return { overlay: this.#overlay, tun: false, nebula: undefined, shared: this.#shared, standIns };
  }
}
