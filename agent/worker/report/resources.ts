import type { System } from '../ports.ts';

/** What the processors have done since the machine started, in ticks of a hundredth of a second. */
export interface CpuTicks {
  readonly busy: number;
  readonly total: number;
  readonly cores: number;
}

/** Reads /proc/stat. Waiting for a disk is no work, and a guest's time is counted as its user's already. */
export const parseCpu = (text: string | undefined): CpuTicks | undefined => {
  if (text === undefined) return undefined;
  const first = /^cpu +(.*)$/m.exec(text)?.[1];
  const ticks = first?.trim().split(/ +/).slice(0, 8).map(Number) ?? [];
  if (ticks.length < 5 || ticks.some((each) => !Number.isFinite(each))) return undefined;
  const total = ticks.reduce((sum, each) => sum + each, 0);
  const [, , , idle = 0, waiting = 0] = ticks;
  return { busy: total - idle - waiting, total, cores: Math.max(1, text.match(/^cpu\d+ /gm)?.length ?? 1) };
};

// Fewer ticks say nothing: looks that lie close together count as one.
const LEAST_TICKS = 20;

export interface CpuUse {
  readonly percent: number;
  /** How many cores were busy on average. */
  readonly busyCores: number;
}

/** Use between two looks; undefined where they are too close or the counters went back. */
export const cpuUse = (before: CpuTicks | undefined, now: CpuTicks | undefined): CpuUse | undefined => {
  if (before === undefined || now === undefined) return undefined;
  const total = now.total - before.total;
  if (total < LEAST_TICKS) return undefined;
  const share = Math.min(1, Math.max(0, (now.busy - before.busy) / total));
  return { percent: Math.round(share * 1000) / 10, busyCores: share * now.cores };
};

/**
 * Use since the last look that was far enough away; looks in between repeat what was found then. The first one tells of
 * the time since the machine started, which says nothing of how busy it is now.
 */
export const createCpuMeter = (system: System): (() => Promise<CpuUse | undefined>) => {
  let before: CpuTicks | undefined;
  let last: CpuUse | undefined;
  return async () => {
    const now = parseCpu(await system.readText('/proc/stat'));
    const use = cpuUse(before, now);
    const soFar = before === undefined && now !== undefined ? cpuUse({ ...now, busy: 0, total: 0 }, now) : undefined;
    if (before === undefined || use !== undefined) before = now;
    last = use ?? (soFar && { ...soFar, busyCores: 0 }) ?? last;
    return last;
  };
};

export interface Memory {
  readonly usedMb: number;
  readonly totalMb: number;
}

/** Reads /proc/meminfo. What the kernel would give back at once is not used. */
export const parseMemory = (text: string | undefined): Memory | undefined => {
  const kilobytes = (name: string): number | undefined => {
    const value = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text ?? '')?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const total = kilobytes('MemTotal');
  const available = kilobytes('MemAvailable') ?? kilobytes('MemFree');
  if (total === undefined || available === undefined) return undefined;
  return { usedMb: Math.round((total - available) / 1024), totalMb: Math.round(total / 1024) };
};

/** Reads /proc/uptime: seconds since the machine started, on a clock that never jumps. */
export const parseUptime = (text: string | undefined): number | undefined => {
  const seconds = /^(\d+(?:\.\d+)?) /.exec(text ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds);
};

/** Reads a control group's cpu.stat: seconds of processor time that its programs have used. */
export const parseGroupCpu = (text: string | undefined): number | undefined => {
  const micros = /^usage_usec (\d+)$/m.exec(text ?? '')?.[1];
  return micros === undefined ? undefined : Number(micros) / 1e6;
};

// Images lie on the root volume; models on the instance store, where the instance has one.
const DISKS = ['/', '/var/lib/ollama'];

export interface Disk {
  readonly used: number;
  readonly total: number;
}

/** Of the disks that fill up, the one that has come furthest. */
export const fullestDisk = async (system: System): Promise<Disk | undefined> => {
  const disks = await Promise.all(DISKS.map((path) => system.diskMegabytes(path)));
  const share = (disk: Disk): number => disk.used / Math.max(1, disk.total);
  return disks.filter((disk) => disk !== undefined).sort((a, b) => share(b) - share(a))[0];
};
