import { join } from 'node:path';
import { Role, TAG } from '#contract';
import type { Homelab, LocalNodeHost, NodeSpec } from '../host.ts';
import { STAND_INS, WIRES } from './cell.ts';
import { CellNode } from './cell-node.ts';
import { doorsOf } from './doors.ts';
import { layOutImage, removeImage } from './image.ts';
import { machineOf } from './machine-of.ts';
import { readBootPlan } from './units.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
const BASE = join(REPOSITORY, 'ami/base/files');
export const STAND_IN_FOLDER = join(import.meta.dirname, '../standins');

/** Port on every node's loopback behind which AWS answers. */
export const AWS_PORT = 4566;
/** First of the host user ids that cells use under root: the end of the range systemd-nspawn takes its own from. */
const CELL_OWNER = 1_878_982_656;

/** Root's cells are users of their own, so that root in a cell is nobody on the host. */
export const ownerOfCells = (): number | undefined => (process.getuid?.() === 0 ? CELL_OWNER : undefined);

/** What systemd sets for its units, with the stand-ins of these folders first. */
export const searchPath = (...standIns: readonly string[]): string =>
  [
    ...standIns.map((folder) => `${STAND_INS}/${folder}`),
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ].join(':');

/** What the image of an instance holds: the common files, then its role's. */
const filesOf = ({ tags }: NodeSpec): string[] => {
  const role = Role.safeParse(tags[TAG.role]);
  return role.success ? [BASE, join(REPOSITORY, 'ami', role.data, 'files')] : [BASE];
};

/** What all cells of a cloud see. */
export interface Shared {
  /** Folder of the wires, instead of a network; undefined where there is one. */
  readonly wires: string | undefined;
  /** Folder with the stand-ins for Kubernetes. */
  readonly cluster: string;
}

/** In what the kinds of cells differ. */
export interface CellHostOptions {
  readonly kind: LocalNodeHost['kind'];
  readonly reason: string;
  readonly overlay: boolean;
  readonly tun: boolean;
  /** Folders of `local/node/standins` that a node finds its programs in. */
  readonly standIns: readonly string[];
  /** What every node sees of the cloud's own; undefined before the homelab is prepared. */
  readonly shared: () => Shared | undefined;
  /** Host path of a nebula that is not where a node sees it anyway. */
  readonly nebula?: string | undefined;
  /** Further names a node can resolve, to their addresses. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Connects a standing cell to a network; `pid` is the host's for it. */
  readonly connect: (pid: number, spec: NodeSpec) => Promise<void>;
  readonly homelab: Homelab;
  /** Ends what the nodes shared. */
  readonly close: () => Promise<void>;
}

/** Host name as EC2 gives it by default. */
const hostnameOf = (spec: NodeSpec): string => `ip-${spec.privateIp.replaceAll('.', '-')}`;

const startNode = async (spec: NodeSpec, options: CellHostOptions): Promise<CellNode> => {
  const { directory } = spec;
  const owner = ownerOfCells();
  const hostname = hostnameOf(spec);
  const hosts = { [hostname]: spec.privateIp, ...options.hosts };
  await layOutImage({ directory, hostname, machineId: spec.instanceId.slice(2), files: filesOf(spec), hosts, owner });
  const { overlay, tun, nebula } = options;
  const shared = options.shared();
  return new CellNode({
    name: spec.instanceId,
    cell: { directory, hostname, owner, standIns: STAND_IN_FOLDER, overlay, tun, nebula, ...shared },
    order: {
      instanceId: spec.instanceId,
      region: spec.region,
      environment: {
        PATH: searchPath(...options.standIns),
        LANG: 'C.UTF-8',
        HOME: '/root',
        AWS_ENDPOINT_URL: `http://127.0.0.1:${AWS_PORT}`,
        ...(shared?.wires !== undefined && { STANDIN_WIRES: WIRES }),
      },
      awsPort: AWS_PORT,
      boot: { ...readBootPlan(BASE), machine: machineOf(spec.instanceType) },
    },
    answer: doorsOf(spec),
    connect: (pid) => options.connect(pid, spec),
    cleanUp: () => removeImage(directory),
  });
};

/** Nodes in cells: namespaces of their own over a read-only view of this machine. */
export const createCellHost = (options: CellHostOptions): LocalNodeHost => {
  const starting = new Set<Promise<CellNode>>();
  let closed = false;
  return {
    kind: options.kind,
    reason: options.reason,
    async start(spec) {
      if (closed) throw new Error('the node host is closed');
      const node = startNode(spec, options);
      starting.add(node);
      return await node;
    },
    async close() {
      closed = true;
      await Promise.allSettled([...starting].map(async (node) => (await node).stop()));
      starting.clear();
      await options.close();
    },
    ...options.homelab,
  };
};
