import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dial } from '../dial.ts';
import { FlagError, parseFlags } from '../flags.ts';
import { type Door, listen } from '../listen.ts';
import { Exit, runProgram } from '../program.ts';

/**
 * `bridge [--out HOST:PORT]… [--in HOST:PORT=HOST:PORT]… [--socket PATH=HOST:PORT]…`: what a network would carry for
 * programs that know nothing of wires. `--out` listens on TCP in this cell and dials the same address over the wires;
 * `--in` serves a wire and connects to TCP in this cell; `--socket` does so for a Unix socket, for whoever looks into
 * the cell from outside.
 */
const doorOf = (text: string): Door => {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === '') throw new Exit(2, `bridge: wants HOST:PORT, got ${text}`);
  return { host, port: Number(port) };
};

const pairOf = (text: string): [from: string, to: Door] => {
  const at = text.lastIndexOf('=');
  return [text.slice(0, at), doorOf(text.slice(at + 1))];
};

const join = (near: Socket, far: Socket): void => {
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
    one.pipe(other);
  }
};

/** Whoever cannot be reached hangs up, as a connection that is reset would. */
const carry = (near: Socket, reach: () => Promise<Socket>): void => {
  near.on('error', () => undefined);
  reach().then(
    (far) => join(near, far),
    () => near.destroy(),
  );
};

const toTcp =
  ({ host, port }: Door) =>
  (near: Socket): void =>
    carry(near, async () => connect({ host, port }));

const standing = (server: Server, listenOn: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).once('listening', resolve);
    listenOn();
  });

const openOut = async ({ host, port }: Door): Promise<void> => {
  const server = createServer((near) => carry(near, () => dial(host, port)));
  await standing(server, () => server.listen(port, host));
};

const openSocket = async ([path, to]: [path: string, to: Door]): Promise<void> => {
  try {
    unlinkSync(path);
  } catch {
    // Nobody listened here before.
  }
  const server = createServer(toTcp(to));
  await standing(server, () => server.listen(path));
};

const main = async (argv: readonly string[]): Promise<number> => {
  let flags: ReturnType<typeof parseFlags>;
  try {
    flags = parseFlags(argv, { values: ['out', 'in', 'socket'] });
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new Exit(2, `bridge: ${error.message}`);
  }
  await Promise.all([
    ...flags.all('out').map((text) => openOut(doorOf(text))),
    ...flags
      .all('in')
      .map(pairOf)
      .map(([wire, to]) => listen([doorOf(wire)], toTcp(to))),
    ...flags.all('socket').map((text) => openSocket(pairOf(text))),
  ]);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  return 0;
};

await runProgram('bridge', () => undefined, main);
