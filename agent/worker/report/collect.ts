import type { Clock, Settings, System } from '../ports.ts';
import { createGpuProbe } from './gpu-probe.ts';
import type { Gpus } from './gpus.ts';
import { createLiqoProbe } from './liqo.ts';
import { type Interruption, type Mark, parseInterruption, parseTimeline } from './marks.ts';
import type { Models } from './models.ts';
import { askOllama } from './ollama-probe.ts';
import type { Ask } from './probe.ts';
import { meshAddress } from './registration.ts';
import {
  type CpuUse,
  createCpuMeter,
  type Disk,
  fullestDisk,
  type Memory,
  parseGroupCpu,
  parseMemory,
  parseUptime,
} from './resources.ts';
import { askServices, type Services, unknownServices } from './services.ts';
import { type ServiceStatusInit, unknownService } from './units.ts';

export const RUN_FOLDER = '/run/carrierarr';
export const INTERRUPTION_FILE = 'interruption.json';
const IN_SERVICE = '/var/lib/carrierarr/in-service';
const OLLAMA_GROUP = '/sys/fs/cgroup/system.slice/ollama.service/cpu.stat';

/** Everything that one look at the node has found; undefined is what nobody could tell. */
export interface Facts {
  readonly uptime: number | undefined;
  readonly services: Services;
  readonly liqo: ServiceStatusInit;
  readonly gpus: Gpus;
  readonly models: Models | undefined;
  readonly cpu: CpuUse | undefined;
  readonly memory: Memory | undefined;
  readonly disk: Disk | undefined;
  readonly ollamaCpuSeconds: number | undefined;
  readonly inService: boolean;
  readonly timeline: readonly Mark[];
  readonly interruption: Interruption | undefined;
}

export interface Collector {
  gpus(): Promise<Gpus>;
  look(): Promise<Facts>;
}

/** Whether the worker has been taken into service; a node that Carrierarr did not make is from the start. */
const isInService = async (settings: Settings, system: System): Promise<boolean> => {
  if (!settings.worker) return true;
  const written = (await system.readText(IN_SERVICE))?.trim();
  return written !== undefined && (!settings.instanceId || written === settings.instanceId);
};

const nothing = (): undefined => undefined;

/** What lies in files, and costs next to nothing. */
const createReadings = (settings: Settings, system: System, ask: Ask) => {
  const measureCpu = createCpuMeter(system);
  const readAs = <T>(path: string, parse: (text: string | undefined) => T) => system.readText(path).then(parse);

  return async () => {
    const [cpu, memory, disk, ollamaCpuSeconds, inService, timeline, interruption] = await Promise.all([
      ask('cpu', measureCpu, nothing),
      ask('memory', () => readAs('/proc/meminfo', parseMemory), nothing),
      ask('disk', () => fullestDisk(system), nothing),
      ask('ollama-group', () => readAs(OLLAMA_GROUP, parseGroupCpu), nothing),
      ask(
        'in-service',
        () => isInService(settings, system),
        () => false,
      ),
      ask(
        'timeline',
        () => readAs(`${RUN_FOLDER}/timeline`, parseTimeline),
        () => [],
      ),
      ask('interruption', () => readAs(`${RUN_FOLDER}/${INTERRUPTION_FILE}`, parseInterruption), nothing),
    ]);
    return { cpu, memory, disk, ollamaCpuSeconds, inService, timeline, interruption };
  };
};

/** Makes what looks at the node: all probes side by side, each under a limit of its own. */
export const createCollector = (settings: Settings, system: System, clock: Clock, ask: Ask): Collector => {
  const askGpus = createGpuProbe(system, clock);
  const askLiqo = createLiqoProbe(settings.nodeType, system, clock);
  const read = createReadings(settings, system, ask);

  const gpus = (): Promise<Gpus> => ask('gpus', askGpus, (reason): Gpus => ({ kind: 'unknown', reason }));
  const models = async (): Promise<Models | undefined> => {
    const address = meshAddress(settings, system);
    if (address === '' || settings.nodeType === 'lighthouse') return undefined;
    return ask('ollama', () => askOllama(system, address), nothing);
  };
  return {
    gpus,
    look: async () => {
      const uptime = await ask('uptime', async () => parseUptime(await system.readText('/proc/uptime')), nothing);
      const [services, liqo, graphics, found, readings] = await Promise.all([
        ask('services', () => askServices(system, uptime), unknownServices),
        ask('liqo', askLiqo, unknownService),
        gpus(),
        models(),
        read(),
      ]);
      return { uptime, services, liqo, gpus: graphics, models: found, ...readings };
    },
  };
};
