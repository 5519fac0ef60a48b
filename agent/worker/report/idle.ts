import * as z from 'zod/mini';
import type { Settings, System } from '../ports.ts';
import type { Gpus } from './gpus.ts';

const STATE_FILE = '/run/worker-agent/idle.json';
// What happened while nobody looked is not known: a longer gap counts as work.
const LONGEST_GAP_SECONDS = 180;
const BUSY_GPU_PERCENT = 5;
// What k3s, Cilium and Nebula take at rest is a quarter of a core at most.
const BUSY_CORES = 0.5;
// Ollama at rest uses none; our own questions cost it a thousandth.
const BUSY_OLLAMA_CORES = 0.05;

/** One look at what the node does. Seconds are those of /proc/uptime, which no clock that is set can move. */
export interface Look {
  readonly uptime: number;
  readonly inService: boolean;
  readonly gpus: Gpus;
  /** Undefined: Ollama is not here, or gave no answer. */
  readonly expiries: Readonly<Record<string, string>> | undefined;
  readonly busyCores: number | undefined;
  /** Processor time of Ollama and its runners since they started. */
  readonly ollamaCpuSeconds: number | undefined;
}

export type IdleSettings = Pick<Settings, 'nodeType' | 'busyCores'>;

export interface Idleness {
  readonly idleSeconds: number;
  readonly busyWith: string;
}

const memory = z.object({
  activeAt: z.number(),
  lookedAt: z.number(),
  inService: z.boolean(),
  expiries: z.record(z.string(), z.string()),
  ollamaCpuSeconds: z.optional(z.number()),
});
type Memory = z.infer<typeof memory>;

const gpuWork = (gpus: Gpus): string | undefined => {
  if (gpus.kind === 'unknown') return `unknown: ${gpus.reason}`;
  if (gpus.kind === 'none') return undefined;
  const busy = gpus.gpus.find(({ utilizationPercent }) => (utilizationPercent ?? 0) >= BUSY_GPU_PERCENT);
  return busy && `gpu ${busy.index}: ${busy.utilizationPercent} %`;
};

// Each request moves the instant at which Ollama would unload its model.
const modelWork = (before: Memory | undefined, expiries: Look['expiries']): string | undefined => {
  if (before === undefined) return undefined;
  const moved = Object.keys(expiries ?? {}).find((name) => expiries?.[name] !== before.expiries[name]);
  return moved && `ollama: ${moved}`;
};

// What no moved instant tells: a model that is pulled, a request with keep_alive 0.
const ollamaWork = (before: Memory | undefined, look: Look): string | undefined => {
  if (before?.ollamaCpuSeconds === undefined || look.ollamaCpuSeconds === undefined) return undefined;
  const cores = (look.ollamaCpuSeconds - before.ollamaCpuSeconds) / Math.max(1, look.uptime - before.lookedAt);
  return cores >= BUSY_OLLAMA_CORES ? `ollama: ${cores.toFixed(2)} cores` : undefined;
};

const cpuWork = ({ busyCores = 0 }: Look, threshold: number): string | undefined =>
  busyCores >= threshold ? `cpu: ${busyCores.toFixed(1)} cores` : undefined;

/** What the node was busy with between two looks; undefined where it was idle. */
export const workOf = (
  { nodeType, busyCores = BUSY_CORES }: IdleSettings,
  before: Memory | undefined,
  look: Look,
): string | undefined => {
  if (nodeType === 'lighthouse') return 'its cluster';
  if (!look.inService) return 'not in service yet';
  return gpuWork(look.gpus) ?? modelWork(before, look.expiries) ?? ollamaWork(before, look) ?? cpuWork(look, busyCores);
};

const remembered = (text: string | undefined, uptime: number): Memory | undefined => {
  try {
    const found = memory.parse(JSON.parse(text ?? ''));
    const gap = uptime - found.lookedAt;
    return gap >= 0 && gap <= LONGEST_GAP_SECONDS && found.activeAt <= uptime ? found : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Counts for how long the node has had nothing to do. Starts at zero, with the first look that finds the node in
 * service; goes on where a restarted agent left off, since /run lives as long as the machine.
 */
export const createIdleCounter = (settings: IdleSettings, system: System) => {
  let before: Memory | undefined;
  let hasRead = false;

  return async (look: Look): Promise<Idleness> => {
    if (!hasRead) before = remembered(await system.readText(STATE_FILE), look.uptime);
    hasRead = true;
    const work = workOf(settings, before, look);
    // Nobody is idle for longer than in service.
    const activeAt = work === undefined && before?.inService === true ? before.activeAt : look.uptime;
    before = {
      activeAt,
      lookedAt: look.uptime,
      inService: look.inService,
      // Ollama that does not answer for a moment has done nothing by coming back with the same instants.
      expiries: { ...(look.expiries ?? before?.expiries) },
      ...(look.ollamaCpuSeconds === undefined ? {} : { ollamaCpuSeconds: look.ollamaCpuSeconds }),
    };
    await system.writeText(STATE_FILE, `${JSON.stringify(before)}\n`);
    return { idleSeconds: Math.floor(look.uptime - activeAt), busyWith: work ?? '' };
  };
};
