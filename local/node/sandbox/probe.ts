import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cell } from './cell.ts';
import { ownerOfCells, searchPath } from './cell-host.ts';
import { layOutImage } from './image.ts';
import type { FromAgent } from './program/protocol.ts';
import { removeTree } from './remove-tree.ts';

export interface ProbeOptions {
  readonly overlay: boolean;
  readonly tun: boolean;
  readonly nebula?: string | undefined;
  /** What must succeed on a node for the machine to be fit. */
  readonly script: string;
}

export type ProbeResult = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly why: string };

const LIMIT_MILLISECONDS = 10_000;
const COMMAND = 'probe';
const EMPTY_BOOT = { directories: [], files: [], mounts: [], unit: '', services: [] };

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const converse = (directory: string, options: ProbeOptions) => {
  const outcome = Promise.withResolvers<ProbeResult>();
  const hear = (message: FromAgent): void => {
    if (message.type === 'ready') {
      const environment = { PATH: searchPath() };
      cell.send({ type: 'start', instanceId: COMMAND, region: '', environment, awsPort: 4566, boot: EMPTY_BOOT });
    } else if (message.type === 'registered') {
      cell.send({ type: 'run', commandId: COMMAND, script: options.script, environment: {}, timeoutSeconds: 5 });
    } else if (message.type === 'report') {
      const { status, stdout, stderr } = message;
      outcome.resolve(
        status === 'Success' ? { ok: true, output: stdout } : { ok: false, why: lastLine(stderr) || status },
      );
    }
  };
  const { overlay, tun, nebula } = options;
  const cell = new Cell(
    { directory, hostname: COMMAND, owner: ownerOfCells(), standIns: '', overlay, tun, nebula },
    hear,
  );
  return { cell, outcome };
};

/**
 * Tries whether a cell can be had on this machine, by making one and running a script in it: kernels, distributions and
 * containers forbid namespaces in too many ways to judge by their names.
 */
export const probeCell = async (options: ProbeOptions): Promise<ProbeResult> => {
  const directory = await mkdtemp(join(tmpdir(), 'carrierarr-probe-'));
  try {
    await layOutImage({ directory, hostname: COMMAND, machineId: '0', files: [], hosts: {}, owner: ownerOfCells() });
    const { cell, outcome } = converse(directory, options);
    const timer = setTimeout(() => outcome.resolve({ ok: false, why: 'no answer in time' }), LIMIT_MILLISECONDS);
    void cell.ended.then(() => outcome.resolve({ ok: false, why: '' }));
    const result = await outcome.promise;
    clearTimeout(timer);
    await cell.end();
    if (result.ok || result.why !== '') return result;
    return { ok: false, why: lastLine(await readFile(join(directory, 'console.log'), 'utf8')) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  } finally {
    await removeTree(directory);
  }
};
