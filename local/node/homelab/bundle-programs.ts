import { join } from 'node:path';
import { bundleControlPlane } from '../../../agent/control-plane/build.ts';
import { bundleWorkerAgent } from '../../../agent/worker/build.ts';
import { bundleClusterStandIns } from '../standins/cluster/bundle.ts';

/**
 * Writes what runs in cells into one folder: stand-ins, and the real agent and control plane as scripts for Node.js.
 * Whoever else makes a cloud at the same time has a folder of its own.
 */
export const bundlePrograms = async (folder: string): Promise<void> => {
  await Promise.all([
    bundleClusterStandIns(folder),
    bundleWorkerAgent(join(folder, 'worker-agent.cjs')),
    bundleControlPlane(join(folder, 'control-plane')),
  ]);
};
