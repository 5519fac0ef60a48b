import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { build } from 'esbuild';
import { ENTRY_POINTS, type FunctionName } from './entry-points.ts';
import { inlineSchemaKeys } from './inline-schema-keys.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, 'node_modules', '.cache', 'carrierarr', 'bundles');

/** Where a function's code comes from; unit tests hand in one that does not bundle. */
export type CodeFactory = (name: FunctionName) => Code;

/**
 * Bundles every entry point in one run of esbuild. `mainFields` halves size and import time of the AWS SDK, and
 * `keepNames` keeps the names of errors, which state machines match.
 */
export const buildBundles = async (): Promise<ReadonlyMap<FunctionName, Uint8Array>> => {
  const names = Object.keys(ENTRY_POINTS) as FunctionName[];
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(names.map((name) => [name, ENTRY_POINTS[name].file])),
    outdir: 'out',
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    legalComments: 'none',
    plugins: [inlineSchemaKeys],
    logLevel: 'error',
  });
  const bundles = new Map(outputFiles.map((file) => [file.path, file.contents]));
  return new Map(
    names.flatMap((name) => {
      const contents = bundles.get(join(ROOT, 'out', `${name}.mjs`));
      return contents === undefined ? [] : [[name, contents]];
    }),
  );
};

/** Directory with the bundle as `index.mjs`, named by its content; two processes may write it at the same time. */
const bundleDirectory = (name: FunctionName, contents: Uint8Array): string => {
  const directory = join(CACHE, `${name}-${createHash('sha256').update(contents).digest('hex').slice(0, 16)}`);
  if (existsSync(directory)) return directory;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, `.${name}-`));
  writeFileSync(join(draft, 'index.mjs'), contents);
  try {
    renameSync(draft, directory);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  return directory;
};

/** The real code, bundled once for all functions. */
export const bundledCode = async (): Promise<CodeFactory> => {
  const bundles = await buildBundles();
  return (name) => {
    const contents = bundles.get(name);
    if (contents === undefined) throw new Error(`no bundle of ${name}, got ${[...bundles.keys()].join(', ')}`);
    return Code.fromAsset(bundleDirectory(name, contents));
  };
};
