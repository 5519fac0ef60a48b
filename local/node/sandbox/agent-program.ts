import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const SOURCE = join(import.meta.dirname, 'program');

/** One file of plain JavaScript: a Node that needs to strip types first starts in twice the time. */
const bundle = (): string => {
  const { outputFiles } = buildSync({
    entryPoints: [join(SOURCE, 'agent.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  return outputFiles.map(({ text }) => text).join('');
};

let bundled: string | undefined;

/** Puts what a cell runs on its own account, the agent and the node's first process, into a folder. */
export const writeAgentProgram = async (folder: string): Promise<void> => {
  bundled ??= bundle();
  await mkdir(folder, { recursive: true });
  await Promise.all([
    writeFile(join(folder, 'agent.mjs'), bundled, { mode: 0o644 }),
    copyFile(join(SOURCE, 'init.sh'), join(folder, 'init.sh')),
  ]);
};
