import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

const linesOf = (program: string, parameters: string[], word: string): string[] =>
  execFileSync(program, parameters, { encoding: 'utf8', maxBuffer: 10_000_000 })
    .split('\n')
    .filter((line) => line.includes(word));

/** Command lines of this machine's processes that contain a word. */
export const processesWith = (word: string): string[] => linesOf('ps', ['-A', '-o', 'args='], word);

/** Mounts of this machine's own namespace that contain a word. */
export const mountsWith = (word: string): string[] => linesOf('mount', [], word);

/** Names of this machine's own network devices. */
export const networkDevices = (): string[] =>
  existsSync('/sys/class/net') ? readdirSync('/sys/class/net') : Object.keys(networkInterfaces());

/** Waits for what should come about; the test's time limit ends it. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
};
