import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
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
  const common = { bundle: true, platform: 'node', target: 'node24', write: false, logLevel: 'error' } as const;
  const programs = buildSync({ ...common, entryPoints, format: 'esm', outExtension: { '.js': '.mjs' }, outdir: '/' });
  const yaml = buildSync({ ...common, entryPoints: [createRequire(import.meta.url).resolve('yaml')], format: 'cjs' });
  return [
    ...programs.outputFiles.map(({ path, text }) => ({ name: basename(path), text })),
    ...yaml.outputFiles.map(({ text }) => ({ name: 'node_modules/yaml/index.js', text })),
  ];
};

/**
 * Writes what the launchers in `cluster-bin` run, `<program>.mjs` each, into a folder. Programs of it may be running:
 * Node takes a file that is cut to nothing for a program that has nothing to do, and ends well.
 */
export const bundleClusterStandIns = async (folder: string): Promise<void> => {
  bundled ??= bundle();
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of bundled) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const draft = join(folder, `${name}.${crypto.randomUUID()}`);
    writeFileSync(draft, text, { mode: 0o644 });
    renameSync(draft, join(folder, name));
  }
};
