import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Guest } from './guest.ts';
import type { BootPlan } from './protocol.ts';

type Machine = NonNullable<BootPlan['machine']>;

const FOLDER = '/run/machine';
/** Of an EC2 instance that does little. */
const FREE = 0.9;

/** Processors that rest: what this machine computes for others is not the node's work. */
const statOf = ({ cores }: Machine): string => {
  const rest = readFileSync('/proc/stat', 'utf8').replace(/^cpu.*\n/gm, '');
  const lines = Array.from({ length: cores }, (_, core) => `cpu${core} 0 0 0 1000 0 0 0 0 0 0\n`);
  return `cpu  0 0 0 ${cores * 1000} 0 0 0 0 0 0\n${lines.join('')}${rest}`;
};

const memoryOf = ({ memoryMb }: Machine): string => {
  const total = memoryMb * 1024;
  const values: Readonly<Record<string, number>> = {
    MemTotal: total,
    MemFree: total * FREE,
    MemAvailable: total * FREE,
  };
  return readFileSync('/proc/meminfo', 'utf8').replace(/^(\w+):( +)(\d+) kB$/gm, (line, name: string) =>
    values[name] === undefined ? line : `${name}: ${Math.round(values[name])} kB`,
  );
};

/** Shows the node's programs the processors and the memory of its instance type. */
export const showMachine = async (machine: Machine, guest: Guest): Promise<void> => {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries({ stat: statOf(machine), meminfo: memoryOf(machine) })) {
    writeFileSync(`${FOLDER}/${name}`, text);
    await guest.mount(['--bind', '-o', 'ro', `${FOLDER}/${name}`, `/proc/${name}`]);
  }
};
