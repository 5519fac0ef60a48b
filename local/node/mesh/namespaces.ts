import { spawn } from 'node:child_process';
import { once } from 'node:events';

const OWN_PATHS = '/usr/local/sbin:/usr/sbin:/sbin';

/** Output of a program that must succeed. */
const runProgram = async (command: readonly string[], input: string): Promise<void> => {
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, {
    env: { PATH: `${process.env.PATH ?? ''}:${OWN_PATHS}`, LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8');
  });
  // A program that ends before it has read its input says why on standard error.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command.join(' ')}: ${complaint.trim()}`);
};

/**
 * Runs lines of iproute2 in the network namespace of a process. Device and route names never leave that namespace, so
 * nothing here can touch the host's own network.
 */
export const configureNetwork = (pid: number, lines: readonly string[]): Promise<void> =>
  runProgram(['nsenter', `--net=/proc/${pid}/ns/net`, 'ip', '-batch', '-'], `${lines.join('\n')}\n`);
