import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WIRES } from '../sandbox/cell.ts';
import { AWS_PORT, ownerOfCells, type Shared, STAND_IN_FOLDER, searchPath } from '../sandbox/cell-host.ts';
import { CellNode, type CellNodeOptions } from '../sandbox/cell-node.ts';
import { layOutImage, removeImage } from '../sandbox/image.ts';
import type { BootPlan } from '../sandbox/program/protocol.ts';

/** In what cells differ from machine to machine. */
export interface Ground {
  readonly overlay: boolean;
  readonly tun: boolean;
  /** Host path of a nebula that is not where a cell sees it anyway. */
  readonly nebula: string | undefined;
  readonly shared: Shared;
  /** Folders of `local/node/standins` in which programs are found. */
  readonly standIns: readonly string[];
}

export interface PlaceOptions {
  /** What the stand-ins go by where no network tells it. */
  readonly place: 'homelab-host' | 'homelab-pod';
  readonly name: string;
  readonly directory: string;
  readonly ground: Ground;
  /** As its agent knows it; the host has none. */
  readonly identity?: { readonly instanceId: string; readonly region: string };
  readonly hosts: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly files: BootPlan['files'];
  /** Further programs beside the agent, by file name. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly answer: CellNodeOptions['answer'];
  readonly connect: CellNodeOptions['connect'];
}

const environmentOf = ({ environment, ground }: PlaceOptions): Record<string, string> => ({
  PATH: searchPath(...ground.standIns),
  LANG: 'C.UTF-8',
  HOME: '/root',
  ...(ground.shared.wires !== undefined && { STANDIN_WIRES: WIRES }),
  ...environment,
});

/** Starts one machine of the homelab in a cell: like a node's, but with nothing of EC2 in it. */
export const startPlace = async (options: PlaceOptions): Promise<CellNode> => {
  const { directory, name, ground, hosts, place } = options;
  const owner = ownerOfCells();
  await layOutImage({ directory, hostname: name, machineId: '0', files: [], hosts, owner });
  for (const [file, text] of Object.entries(options.programs ?? {})) {
    await writeFile(join(directory, 'agent', file), text, { mode: 0o644 });
  }
  const { overlay, tun, nebula, shared } = ground;
  const files = [{ path: '/run/standins/place', text: `${place}\n`, mode: 0o644 }, ...options.files];
  const node = new CellNode({
    name,
    cell: { directory, hostname: name, owner, standIns: STAND_IN_FOLDER, overlay, tun, nebula, ...shared },
    order: {
      ...(options.identity ?? { instanceId: name, region: '' }),
      environment: environmentOf(options),
      awsPort: AWS_PORT,
      boot: { directories: [{ path: '/run/carrierarr', mode: 0o755 }], files, mounts: [], unit: '', services: [] },
    },
    answer: options.answer,
    connect: options.connect,
    cleanUp: () => removeImage(directory),
  });
  await node.registered;
  return node;
};
