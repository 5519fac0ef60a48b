import { join } from 'node:path';
import { ConfigurationError } from '#shared/errors.ts';
import type { Homelab, LocalNodeHost } from '../host.ts';
import { playHomelabNode } from '../played/played-host.ts';
import { createCellHost, ownerOfCells, searchPath } from '../sandbox/cell-host.ts';
import { CellNode } from '../sandbox/cell-node.ts';
import { layOutImage, removeImage } from '../sandbox/image.ts';
import { type LighthouseIdentity, makeHomelabAuthority } from './authority.ts';
import { lighthouseScript } from './lighthouse.ts';
import { HOMELAB_ADDRESS, Underlay } from './underlay.ts';

export interface MeshOptions {
  readonly reason: string;
  /** Host path of a nebula that is not where a node sees it anyway. */
  readonly nebula: string | undefined;
  readonly nebulaCert: string;
  /** Public name of the homelab. */
  readonly homelabName: string;
  /** Mesh address and mask of the lighthouse. */
  readonly lighthouse: string;
}

const NAME = 'homelab';
const START_SECONDS = 15;
const NOT_FOUND = { status: 404, headers: [], body: '' };

/** The homelab's cell: like a node's, but with nothing of AWS in it. */
const startHomelabCell = async (directory: string, nebula: string | undefined): Promise<CellNode> => {
  const owner = ownerOfCells();
  await layOutImage({ directory, hostname: NAME, machineId: '0', files: [], hosts: {}, owner });
  const node = new CellNode({
    name: NAME,
    cell: { directory, hostname: NAME, owner, standIns: '', tun: true, nebula },
    order: {
      instanceId: NAME,
      region: '',
      environment: { PATH: searchPath() },
      awsPort: 4566,
      boot: { directories: [], mounts: [], unit: '' },
    },
    answer: async () => NOT_FOUND,
    connect: async () => undefined,
    cleanUp: () => removeImage(directory),
  });
  await node.registered;
  return node;
};

interface Prepared {
  readonly node: CellNode;
  readonly underlay: Underlay;
  readonly identity: LighthouseIdentity;
}

class RealHomelab implements Homelab {
  readonly #options: MeshOptions;
  #prepared: Promise<Prepared> | undefined;

  constructor(options: MeshOptions) {
    this.#options = options;
  }

  readonly prepareHomelab = async (directory: string): Promise<{ trustedCaPem: string }> => {
    this.#prepared ??= this.#prepare(directory);
    return { trustedCaPem: (await this.#prepared).identity.caPem };
  };

  readonly startHomelab: Homelab['startHomelab'] = async ({ fleetCaPem, node: spec }) => {
    const { node, identity } = await this.prepared();
    const { status, stderr } = await node.run({
      commandId: 'lighthouse',
      script: lighthouseScript(identity, fleetCaPem),
      environment: {},
      timeoutSeconds: START_SECONDS,
    });
    if (status === 'Success') return playHomelabNode(spec);
    throw new ConfigurationError({
      what: 'the homelab lighthouse did not start',
      got: stderr.slice(-500),
      remedy: 'check that the nebula on PATH is 1.6 or newer and runs as root',
    });
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
    const identity = await makeHomelabAuthority(nebulaCert, directory, lighthouse);
    const node = await startHomelabCell(join(directory, NAME), nebula);
    try {
      return { node, identity, underlay: await Underlay.lay(node.pid) };
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const prepared = await this.#prepared?.catch(() => undefined);
    await prepared?.node.stop();
  }
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
    standIns: ['common'],
    hosts: { [options.homelabName]: HOMELAB_ADDRESS },
    connect: async (pid, spec) => (await homelab.prepared()).underlay.connect(pid, spec),
    homelab,
    close: () => homelab.stop(),
  });
};
