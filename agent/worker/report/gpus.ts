import type { Ran } from '../ports.ts';
import { oneLine } from '../text.ts';

/** One GPU; what nvidia-smi does not tell of it is undefined. */
export interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly memoryUsedMb: number | undefined;
  readonly memoryTotalMb: number | undefined;
  readonly utilizationPercent: number | undefined;
  readonly temperatureC: number | undefined;
}

/** What is known of the GPUs. `none`: there is no GPU, or no program that could tell. */
export type Gpus =
  | { readonly kind: 'known'; readonly gpus: readonly Gpu[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly reason: string };

export const GPU_COMMAND = [
  'nvidia-smi',
  '--query-gpu=index,name,memory.used,memory.total,utilization.gpu,temperature.gpu',
  '--format=csv,noheader,nounits',
];

const numberOf = (cell: string | undefined): number | undefined =>
  cell !== undefined && /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : undefined;

/** Reads nvidia-smi's CSV. A cell may hold `[N/A]`, `[Not Supported]`, `[Unknown Error]`; a name may hold a comma. */
export const parseGpus = (text: string): Gpu[] =>
  text.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    const index = numberOf(cells[0]);
    if (cells.length < 6 || index === undefined) return [];
    const [used, total, utilization, temperature] = cells.slice(-4).map(numberOf);
    return {
      index,
      name: oneLine(cells.slice(1, -4).join(', '), 100),
      memoryUsedMb: used,
      memoryTotalMb: total,
      utilizationPercent: utilization,
      temperatureC: temperature,
    };
  });

const TIMED_OUT = 124;
const NO_PROGRAM = 127;

/** What a run of nvidia-smi tells. It prints its troubles on standard output. */
export const judgeGpus = (ran: Ran, seconds: number): Gpus => {
  if (ran.code === NO_PROGRAM) return { kind: 'none' };
  if (ran.code === TIMED_OUT) return { kind: 'unknown', reason: `nvidia-smi gave no answer within ${seconds} s` };
  const said = `${ran.stdout}\n${ran.stderr}`;
  if (/No devices were found/i.test(said)) return { kind: 'none' };
  const gpus = parseGpus(ran.stdout);
  if (ran.code === 0 && gpus.length > 0) return { kind: 'known', gpus };
  return { kind: 'unknown', reason: `nvidia-smi ended with ${ran.code}: ${oneLine(said) || 'no output'}` };
};
