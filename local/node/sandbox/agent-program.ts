import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleProgram } from '../bundle-program.ts';

const SOURCE = join(import.meta.dirname, 'program');

let bundled: Promise<string> | undefined;

/** Puts what a cell runs on its own account, the agent and the node's first process, into a folder. */
export const writeAgentProgram = async (folder: string): Promise<void> => {
  bundled ??= bundleProgram(join(SOURCE, 'agent.ts'));
  await mkdir(folder, { recursive: true });
  await Promise.all([
    writeFile(join(folder, 'agent.mjs'), await bundled, { mode: 0o644 }),
    copyFile(join(SOURCE, 'init.sh'), join(folder, 'init.sh')),
  ]);
};
