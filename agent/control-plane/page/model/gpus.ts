import type { GpuView } from '../../views.ts';
import { shareOf } from './quantity.ts';

/** All GPUs of a node in one line. */
export interface GpuTotals {
  /** `NVIDIA A10G`, `4 × NVIDIA A10G`. */
  readonly title: string;
  /** Mean, 0 to 1. */
  readonly utilization: number;
  readonly memoryUsedMb: number;
  readonly memoryTotalMb: number;
  /** The hottest one's. */
  readonly temperatureC: number;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** Undefined where there is no GPU. */
export const totalGpus = (gpus: readonly GpuView[]): GpuTotals | undefined => {
  if (gpus.length === 0) return undefined;
  const names = [...new Set(gpus.map(({ name }) => name))].join(', ');
  return {
    title: gpus.length === 1 ? names : `${gpus.length} × ${names}`,
    utilization: sum(gpus.map(({ utilization }) => shareOf(utilization, 100))) / gpus.length,
    memoryUsedMb: sum(gpus.map((gpu) => gpu.memory_used_mb)),
    memoryTotalMb: sum(gpus.map((gpu) => gpu.memory_total_mb)),
    temperatureC: Math.max(...gpus.map((gpu) => gpu.temperature_c)),
  };
};
