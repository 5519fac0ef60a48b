import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { mountsWith, networkDevices, processesWith } from './machine.ts';

const MARK = 'carrierarr-hostile';
const WATCHED_FILES = ['/etc/passwd', '/etc/hosts', 'package.json', 'local/node/sandbox/program/agent.ts'];
const WATCHED_FOLDERS = ['/', '/etc', '/usr', '/usr/bin', '/usr/local/bin', '/opt', '/var', '/var/lib', '/root'];
const MORE_FOLDERS = ['/home', '/tmp', '/run', '/dev/shm', '/boot', '/srv', '.'];

const listen = (server: Server, options: { port: number; host: string } | { path: string }): Promise<void> =>
  new Promise((done) => {
    server.listen(options, done);
  });

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

const lanAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flat()
    .filter((address) => address?.family === 'IPv4' && !address.internal)
    .map((address) => address?.address ?? '');

/** A child of the user the hostile script would be, if it got out. */
const startProcess = (uid: number | undefined): ChildProcess =>
  spawn('sleep', ['600'], { stdio: 'ignore', ...(uid === undefined ? {} : { uid }) });

/**
 * Things on the machine that a hostile script would love to touch: a file anybody may write, a process of the same user,
 * listeners on every address, as a path and as an abstract name; and what a look at the machine shows.
 */
export const setUpCanaries = async (uid: number | undefined) => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-canary-'));
  const file = join(folder, 'file');
  const socket = join(folder, 'socket');
  writeFileSync(file, 'canary\n');
  chmodSync(folder, 0o777);
  chmodSync(file, 0o666);
  const child = startProcess(uid);
  let visitors = 0;
  const servers = [createServer(), createServer(), createServer()] as const;
  for (const server of servers) server.on('connection', () => (visitors += 1));
  const [network, path, abstract] = servers;
  await listen(network, { port: 0, host: '0.0.0.0' });
  await listen(path, { path: socket });
  chmodSync(socket, 0o777);
  if (process.platform === 'linux') await listen(abstract, { path: `\0${socket.slice(1)}` });

  return {
    environment: {
      CANARY_FILE: file,
      CANARY_PID: String(child.pid),
      CANARY_PORT: String((network.address() as AddressInfo).port),
      CANARY_SOCKET: socket,
      LAN_ADDRESSES: lanAddresses().join(' '),
      REPOSITORY: resolve('.'),
    },
    look: () => ({
      hostname: hostname(),
      canary: existsSync(file) ? readFileSync(file, 'utf8') : 'gone',
      processAlive: child.exitCode === null && child.signalCode === null,
      visitors,
      files: WATCHED_FILES.map((path) => `${digest(path)} ${path}`),
      marks: [...WATCHED_FOLDERS, ...MORE_FOLDERS].filter((each) => existsSync(join(each, MARK))),
      mounts: mountsWith(MARK),
      devices: networkDevices(),
      strays: processesWith('98765'),
    }),
    remove: () => {
      child.kill('SIGKILL');
      for (const server of servers) server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
