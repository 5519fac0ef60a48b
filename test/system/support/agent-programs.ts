import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleControlPlane } from '../../../agent/control-plane/build.ts';
import { buildWorkerAgent, bundleWorkerAgent } from '../../../agent/worker/build.ts';

const CACHE = resolve('node_modules/.cache/carrierarr/agent');

/** The worker agent as images carry it: one executable, made once for equal sources. @returns its path */
export const workerAgentProgram = async (): Promise<string> => {
  const draft = mkdtempSync(join(tmpdir(), 'carrierarr-agent-'));
  try {
    const bundle = join(draft, 'main.cjs');
    await bundleWorkerAgent(bundle);
    const key = createHash('sha256').update(readFileSync(bundle)).digest('hex').slice(0, 16);
    const program = join(CACHE, `${key}-${process.version}`, 'worker-agent');
    if (!existsSync(program)) await buildWorkerAgent(program);
    return program;
  } finally {
    rmSync(draft, { recursive: true });
  }
};

/** The control plane as it is deployed, in a folder of its own. */
export const controlPlaneBundle = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-control-plane-'));
  await bundleControlPlane(folder);
  return {
    program: join(folder, 'control-plane.mjs'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};
