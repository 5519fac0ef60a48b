import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Cloud } from '../../../local/cloud.ts';

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the command has said this; @throws Error with all it said, when it ends before */
  readonly says: (pattern: RegExp) => Promise<void>;
}

/** Starts the command as a person at this cloud would. */
export const startCarrierarr = ({ environment }: Cloud, ...args: readonly string[]): Running => {
  const child = spawn(process.execPath, [resolve('bin/carrierarr.ts'), ...args], {
    env: { ...process.env, ...environment, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      child.emit('said');
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, output }));
  const says = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(output)) {
      const last = await Promise.race([once(child, 'said').then(() => undefined), ended]);
      if (last !== undefined && !pattern.test(output)) throw new Error(`no ${pattern} in: ${output}`);
    }
  };
  return { child, ended, says };
};

export const carrierarr = (cloud: Cloud, ...args: readonly string[]): Promise<Ended> =>
  startCarrierarr(cloud, ...args).ended;
