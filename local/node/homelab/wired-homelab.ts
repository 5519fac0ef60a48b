import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '#shared/errors.ts';
import type { Homelab } from '../host.ts';
import { lighthouseConfig } from '../mesh/lighthouse.ts';
import { PLAYED_CA } from '../played/authority.ts';
import { WIRES } from '../sandbox/cell.ts';
import { ownerOfCells, type Shared } from '../sandbox/cell-host.ts';
import type { CellNode } from '../sandbox/cell-node.ts';
import { bundleClusterStandIns } from '../standins/cluster/bundle.ts';
import { type Ground, startPlace } from './place.ts';
import { startPod } from './pod.ts';
import { programsScript } from './programs.ts';
import { runScript } from './run-script.ts';

const NOTHING = { status: 404, headers: [], body: '' };

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
    await bundleClusterStandIns(shared.cluster);
    const owner = ownerOfCells();
    if (owner !== undefined) await chown(shared.wires, owner, owner);
    this.#directory = directory;
    this.#shared = shared;
    return { trustedCaPem: PLAYED_CA };
  };

  readonly startHomelab: Homelab['startHomelab'] = async ({ fleetCaPem, node: spec, provides = false }) => {
    const ground = this.#ground();
    const host = await startPlace({
      place: 'homelab-host',
      name: 'talos00',
      directory: join(this.#directory, 'talos00'),
      ground,
      hosts: {},
      environment: {},
      files: [],
      answer: async () => NOTHING,
      connect: async () => undefined,
    });
    this.#cells.push(host);
    const config = lighthouseConfig(`${PLAYED_CA.trimEnd()}\n${fleetCaPem}`, provides);
    const programs = { mesh: false, lighthouseLog: `${WIRES}/lighthouse.log`, lighthouseConfig: config, provides };
    await runScript(host, 'cluster', programsScript(programs));
    const pod = await startPod({ spec, ground, connect: async () => undefined });
    this.#cells.push(pod);
    return pod;
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
