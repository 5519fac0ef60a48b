import { join } from 'node:path';
import type { LocalNodeHost, NodeSpec } from '../host.ts';
import { PLAYED_CA } from '../played/homelab-ca.ts';
import { STAND_INS } from './cell.ts';
import { layOutImage } from './image.ts';
import { removeTree } from './remove-tree.ts';
import { SandboxNode } from './sandbox-node.ts';
import { readBootUnit } from './units.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
const FILES = join(REPOSITORY, 'ami/base/files');
const STAND_IN_FOLDER = join(import.meta.dirname, '../standins');

/** As systemd sets it for its units, the stand-ins first. */
export const NODE_PATH = `${STAND_INS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

/** First of the host user ids that cells use under root: the end of the range systemd-nspawn takes its own from. */
export const CELL_OWNER = 1_878_982_656;

export interface SandboxOptions {
  readonly reason: string;
  readonly overlay: boolean;
}

/** Root's cells are users of their own, so that root in a cell is nobody on the host. */
export const ownerOfCells = (): number | undefined => (process.getuid?.() === 0 ? CELL_OWNER : undefined);

/** Host name as EC2 gives it by default. */
const hostnameOf = (spec: NodeSpec): string => `ip-${spec.privateIp.replaceAll('.', '-')}`;

const startNode = async (spec: NodeSpec, options: SandboxOptions): Promise<SandboxNode> => {
  const owner = ownerOfCells();
  const { directory } = spec;
  const hostname = hostnameOf(spec);
  const hosts = { [hostname]: spec.privateIp };
  await layOutImage({ directory, hostname, machineId: spec.instanceId.slice(2), files: FILES, hosts, owner });
  return new SandboxNode({
    spec,
    cell: {
      directory,
      hostname,
      owner,
      standIns: STAND_IN_FOLDER,
      overlay: options.overlay,
      tun: false,
    },
    boot: readBootUnit(FILES),
    environment: { PATH: NODE_PATH, LANG: 'C.UTF-8' },
    connect: async () => undefined,
    cleanUp: async () => {
      await Promise.all(['root', 'upper', 'work'].map((name) => removeTree(join(directory, name))));
    },
  });
};

/** Nodes in namespaces with a network of their own that leads nowhere; programs that cannot run are stand-ins. */
export const createSandboxHost = (options: SandboxOptions): LocalNodeHost => {
  const nodes = new Set<SandboxNode>();
  return {
    kind: 'sandbox',
    reason: options.reason,
    async start(spec) {
      const node = await startNode(spec, options);
      nodes.add(node);
      return node;
    },
    async close() {
      await Promise.all([...nodes].map((node) => node.stop()));
      nodes.clear();
    },
    async prepareHomelab() {
      return { trustedCaPem: PLAYED_CA };
    },
    async startHomelab() {},
  };
};
