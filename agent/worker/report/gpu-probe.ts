import type { Clock, System } from '../ports.ts';
import { GPU_COMMAND, type Gpus, judgeGpus } from './gpus.ts';

const LIMIT_MS = 5000;
const MOST_WAIT_MS = 600_000;
const FIRST_WAIT_MS = 30_000;
// Second column: vendor and device.
const PCI_DEVICES = '/proc/bus/pci/devices';
const NVIDIA = /^[0-9a-f]+\t10de/m;

/**
 * Asks nvidia-smi. One that hangs in the driver cannot be killed, and one that is not there will hardly come: after a
 * look that gave nothing the next one waits, longer each time, and what was found stands until then.
 */
export const createGpuProbe = (system: System, clock: Clock): (() => Promise<Gpus>) => {
  let last: { readonly gpus: Gpus; readonly until: number } | undefined;
  let wait = FIRST_WAIT_MS;
  let running: Promise<Gpus> | undefined;

  // An image for GPUs on an instance without: nvidia-smi fails as it does where the driver has failed.
  const mayHaveGpu = async (): Promise<boolean> => {
    const devices = await system.readText(PCI_DEVICES);
    return devices === undefined || NVIDIA.test(devices);
  };
  const look = async (): Promise<Gpus> => {
    const said = judgeGpus(await system.run(GPU_COMMAND, { timeoutMs: LIMIT_MS }), LIMIT_MS / 1000);
    const gpus: Gpus = said.kind === 'unknown' && !(await mayHaveGpu()) ? { kind: 'none' } : said;
    if (gpus.kind === 'known') {
      wait = FIRST_WAIT_MS;
      last = undefined;
    } else {
      last = { gpus, until: clock.monotonic() + wait };
      wait = Math.min(MOST_WAIT_MS, wait * 2);
    }
    return gpus;
  };
  return () => {
    if (running !== undefined) return running;
    if (last !== undefined && clock.monotonic() < last.until) return Promise.resolve(last.gpus);
    running = look().finally(() => {
      running = undefined;
    });
    return running;
  };
};
