import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { passToAws } from '../aws-door.ts';
import type { ControlPlaneSpec } from '../host.ts';
import { ownerOfCells } from '../sandbox/cell-host.ts';
import type { CellNode, CellNodeOptions } from '../sandbox/cell-node.ts';
import { HOMELAB } from './addresses.ts';
import { type Ground, startPlace } from './place.ts';
import { bundleDoor, DOOR_PROGRAM, type HostPrograms, PAGE_SOCKET, programsScript } from './programs.ts';
import { runScript } from './run-script.ts';

const NAME = 'talos00';
const NOTHING = { status: 404, headers: [], body: '' };
const NO_CONTROL_PLANE: ControlPlaneSpec = { files: {}, environment: {} };

export interface HostOptions {
  /** Of the homelab. */
  readonly directory: string;
  readonly ground: Ground;
  readonly connect: CellNodeOptions['connect'];
}

/** The homelab's own node: lighthouse, API server, control plane and mesh door. */
export class HomelabHost {
  readonly cell: CellNode;
  readonly #directory: string;
  readonly #mesh: boolean;
  readonly #tellEndpoint: (endpoint: string) => void;

  private constructor(cell: CellNode, directory: string, mesh: boolean, tellEndpoint: (endpoint: string) => void) {
    this.cell = cell;
    this.#directory = directory;
    this.#mesh = mesh;
    this.#tellEndpoint = tellEndpoint;
  }

  static async start({ directory, ground, connect }: HostOptions): Promise<HomelabHost> {
    const mesh = ground.shared.wires === undefined;
    const own = join(directory, NAME);
    let awsEndpoint: string | undefined;
    const cell = await startPlace({
      place: 'homelab-host',
      name: NAME,
      directory: own,
      ground,
      hosts: mesh ? { [NAME]: HOMELAB.host } : {},
      environment: {},
      files: [],
      programs: mesh ? { [DOOR_PROGRAM]: await bundleDoor() } : {},
      answer: async ({ door, method, path, headers, body }) => {
        // The control plane speaks to AWS over the internet, as whoever runs it at home does.
        if (door === 'imds' || awsEndpoint === undefined) return NOTHING;
        const answer = await passToAws(awsEndpoint, { method, path, headers, body: Buffer.from(body, 'base64') });
        return { ...answer, body: answer.body.toString('base64') };
      },
      connect,
    });
    return new HomelabHost(cell, own, mesh, (endpoint) => {
      awsEndpoint = endpoint;
    });
  }

  /** Starts what runs beside the lighthouse. @returns path of the page's socket on this machine */
  async startPrograms(
    programs: Omit<HostPrograms, 'mesh' | 'controlPlane'>,
    awsEndpoint: string,
    { files, environment } = NO_CONTROL_PLANE,
  ): Promise<string> {
    this.#tellEndpoint(awsEndpoint);
    const folder = join(this.#directory, 'root', HOMELAB.controlPlaneFolder);
    await this.#handOver(folder, files);
    const script = programsScript({ ...programs, mesh: this.#mesh, controlPlane: environment });
    await runScript(this.cell, 'cluster', script);
    return join(folder, PAGE_SOCKET);
  }

  /** On its disk, past every command line and log. */
  async #handOver(folder: string, files: ControlPlaneSpec['files']): Promise<void> {
    const owner = ownerOfCells();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
    if (owner === undefined) return;
    await Promise.all(
      [folder, ...Object.keys(files).map((name) => join(folder, name))].map((path) => chown(path, owner, owner)),
    );
  }
}
