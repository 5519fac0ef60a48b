import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';

const PROGRAMS = join(import.meta.dirname, 'programs');

interface Bundle {
  readonly name: string;
  readonly text: string;
}

let bundled: readonly Bundle[] | undefined;

/** Plain JavaScript, a file a program: a Node that needs to strip types first starts in twice the time. */
const bundle = (): readonly Bundle[] => {
  const entryPoints = readdirSync(PROGRAMS).map((file) => join(PROGRAMS, file));
  const { outputFiles } = buildSync({
    entryPoints,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // The YAML library is written for require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    outExtension: { '.js': '.mjs' },
    outdir: '/',
    write: false,
    logLevel: 'error',
  });
  return outputFiles.map(({ path, text }) => ({ name: basename(path), text }));
};

/** Writes what the launchers in `cluster-bin` run, `<program>.mjs` each, into a folder. */
export const bundleClusterStandIns = async (folder: string): Promise<void> => {
  bundled ??= bundle();
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of bundled) writeFileSync(join(folder, name), text, { mode: 0o644 });
};
