const MEMORY_GB: Readonly<Record<string, number>> = { small: 2, medium: 4, large: 8 };
const XLARGE_CORES = 4;
const XLARGE_GB = 16;

/** Processors and memory of an instance type, as the families that the fleet uses have them by their sizes. */
export const machineOf = (instanceType: string): { readonly cores: number; readonly memoryMb: number } => {
  const size = instanceType.slice(instanceType.indexOf('.') + 1);
  const times = /^(\d*)xlarge$/.exec(size)?.[1];
  if (times === undefined) return { cores: 2, memoryMb: (MEMORY_GB[size] ?? XLARGE_GB) * 1024 };
  const factor = Number(times || '1');
  return { cores: XLARGE_CORES * factor, memoryMb: XLARGE_GB * 1024 * factor };
};
