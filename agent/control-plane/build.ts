import { cp, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const HERE = dirname(fileURLToPath(import.meta.url));
const PAGE = join(HERE, 'page');

/** What the page consists of beside its script and its style. */
const STATIC = ['index.html', 'icon.svg', 'prices.json'];

/** CommonJS libraries within the bundle ask for modules of Node by `require`. */
const REQUIRE = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";

/**
 * Makes the web page: script and style in one file each, the rest as it is.
 * @param outDir - folder to write into, made if it is missing
 */
export const buildPage = async (outDir: string): Promise<void> => {
  await mkdir(outDir, { recursive: true });
  await Promise.all([
    build({
      entryPoints: { app: join(PAGE, 'main.tsx'), style: join(PAGE, 'style', 'style.css') },
      outdir: outDir,
      bundle: true,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      minify: true,
      legalComments: 'none',
      logLevel: 'warning',
    }),
    ...STATIC.map((file) => cp(join(PAGE, file), join(outDir, file))),
  ]);
};

/**
 * Makes the control plane as it is deployed: `control-plane.mjs`, which needs nothing but Node, and its page in `page/`.
 * @param outDir - folder to write into, made if it is missing
 */
export const bundleControlPlane = async (outDir: string): Promise<void> => {
  await mkdir(outDir, { recursive: true });
  await Promise.all([
    build({
      entryPoints: [join(HERE, 'main.ts')],
      outfile: join(outDir, 'control-plane.mjs'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      mainFields: ['module', 'main'],
      banner: { js: REQUIRE },
      minify: true,
      keepNames: true,
      legalComments: 'none',
      logLevel: 'warning',
    }),
    buildPage(join(outDir, 'page')),
  ]);
};

if (import.meta.main) await bundleControlPlane(resolve(process.argv[2] ?? join(HERE, 'dist')));
