import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/** Output of a script: where it writes, and what is kept of it. */
export interface Output {
  /** Descriptors for the script's standard output and error. */
  readonly descriptors: readonly [stdout: number, stderr: number];
  /** Resolves when nobody can write any more; first closes this process's own writing ends. */
  ended(): Promise<void>;
  /** Stops listening. */
  drop(): void;
  text(): readonly [stdout: string, stderr: string];
}

const keepFirst = (stream: Socket, bytes: number): (() => string) => {
  const kept: Buffer[] = [];
  let room = bytes;
  stream.on('data', (chunk: Buffer) => {
    if (room > 0) kept.push(chunk.subarray(0, room));
    room -= Math.min(room, chunk.length);
  });
  return () => Buffer.concat(kept).toString('utf8');
};

const openPipe = (path: string, bytes: number) => {
  // The reading end first: a writing end alone would wait for it.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  const stream = new Socket({ fd: reader, readable: true, writable: false });
  const ended = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  stream.on('error', () => stream.destroy());
  return { writer, stream, ended, text: keepFirst(stream, bytes) };
};

/**
 * Opens pipes that keep the first bytes of each stream. Pipes made by Node are sockets, which a script cannot open as
 * /dev/stderr; these are the kind of pipe the real agent gives its scripts.
 */
export const openOutput = (folder: string, stdoutBytes: number, stderrBytes: number): Output => {
  const paths = [join(folder, 'stdout'), join(folder, 'stderr')] as const;
  execFileSync('mkfifo', ['-m', '600', ...paths]);
  const stdout = openPipe(paths[0], stdoutBytes);
  const stderr = openPipe(paths[1], stderrBytes);
  for (const path of paths) rmSync(path);
  return {
    descriptors: [stdout.writer, stderr.writer],
    ended: async () => {
      closeSync(stdout.writer);
      closeSync(stderr.writer);
      await Promise.all([stdout.ended, stderr.ended]);
    },
    drop: () => {
      stdout.stream.destroy();
      stderr.stream.destroy();
    },
    text: () => [stdout.text(), stderr.text()],
  };
};
