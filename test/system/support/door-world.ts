import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createNamespaces, ended, ip } from './namespaces.ts';

/** Longest a Nebula connection may rest in these tests; twelve minutes in the homelab. */
export const CONNTRACK_SECONDS = 3;

const HOST_LAN = '192.168.1.54';
const common = (own: string): string => `
pki: {ca: ca.crt, cert: ${own}.crt, key: ${own}.key}
listen: {host: 0.0.0.0, port: 4242}
punchy: {punch: true, respond: true}
tun: {dev: nebula0, mtu: 1300}
logging: {level: info, format: json}
`;
const conntrack = `conntrack: {tcp_timeout: ${CONNTRACK_SECONDS}s, udp_timeout: 3m, default_timeout: 10m}`;

/** Rules as docs/homelab.md asks for them at home, and as the identity function writes them for workers. */
const CONFIG = {
  lighthouse: `${common('lighthouse')}
static_host_map: {}
lighthouse: {am_lighthouse: true}
firewall:
  ${conntrack}
  outbound: [{port: any, proto: any, host: any}]
  inbound:
    - {port: any, proto: icmp, host: any}
    - {port: any, proto: any, groups: [lighthouse]}
    - {port: 50051, proto: tcp, group: workers}
`,
  worker: `${common('worker')}
static_host_map: {"10.100.0.1": ["${HOST_LAN}:4242"]}
lighthouse: {am_lighthouse: false, interval: 5, hosts: ["10.100.0.1"]}
firewall:
  ${conntrack}
  outbound: [{port: any, proto: any, host: any}]
  inbound:
    - {port: any, proto: icmp, host: any}
    - {port: any, proto: any, groups: [lighthouse, homelab]}
`,
} as const;

/** Where something runs: the homelab's router, its one node in the mesh, a pod there, and a worker on EC2. */
export type Place = 'router' | 'host' | 'pod' | 'worker';

export interface Talker {
  /** Waits for a line that begins so. */
  heard(start: string, milliseconds?: number): Promise<string>;
  lines(): string[];
  send(line: string): void;
  close(): Promise<void>;
}

const watch = (child: ChildProcess, what: string): Talker => {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const lines = (): string[] => text.split('\n').filter(Boolean);
  return {
    lines,
    heard: async (start, milliseconds = 30_000) => {
      const deadline = Date.now() + milliseconds;
      for (;;) {
        const found = lines().find((line) => line.startsWith(start));
        if (found !== undefined) return found;
        if (Date.now() > deadline) throw new Error(`${what} never said "${start}":\n${text.slice(-2000)}`);
        await pause(20);
      }
    },
    send: (line) => void child.stdin?.write(`${line}\n`),
    close: async () => {
      child.kill('SIGTERM');
      await ended(child);
    },
  };
};

/** Certificates of one mesh, made with the real nebula-cert. */
const makeCertificates = (folder: string, nebulaCert: string): void => {
  const run = (...words: string[]) => execFileSync(nebulaCert, words, { cwd: folder, stdio: 'pipe' });
  run('ca', '-name', 'talos-homelab-mesh');
  run('sign', '-name', 'lighthouse', '-ip', '10.100.0.1/16', '-groups', 'lighthouse,homelab');
  run('sign', '-name', 'worker', '-ip', '10.100.2.1/16', '-groups', 'workers,aws');
};

const layCables = (name: (place: Place) => string): void => {
  const inside = (place: Place, ...words: string[]) => ip('-n', name(place), ...words);
  const wire = (place: Place, port: string, address: string): void => {
    inside(place, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', name('router'));
    inside(place, 'addr', 'add', address, 'dev', 'eth0');
    inside(place, 'link', 'set', 'eth0', 'up');
    inside('router', 'link', 'set', port, 'master', 'br0', 'up');
  };
  inside('router', 'link', 'add', 'br0', 'type', 'bridge');
  inside('router', 'addr', 'add', '192.168.1.1/24', 'dev', 'br0');
  inside('router', 'link', 'set', 'br0', 'up');
  for (const place of ['router', 'host', 'pod', 'worker'] as const) inside(place, 'link', 'set', 'lo', 'up');
  wire('host', 'p1', `${HOST_LAN}/24`);
  wire('worker', 'p2', '192.168.1.101/24');
  // What leaves by the default route lands on the router, which here has the worker's mesh address: a trap for leaks.
  inside('router', 'addr', 'add', '10.100.2.1/32', 'dev', 'lo');
  inside('host', 'route', 'add', 'default', 'via', '192.168.1.1');
  // The pod's way out leads through its node, which forwards as every Kubernetes node does.
  inside('pod', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'lxc1', 'netns', name('host'));
  inside('pod', 'addr', 'add', '10.244.0.7/24', 'dev', 'eth0');
  inside('pod', 'link', 'set', 'eth0', 'up');
  inside('host', 'addr', 'add', '10.244.0.1/24', 'dev', 'lxc1');
  inside('host', 'link', 'set', 'lxc1', 'up');
  inside('pod', 'route', 'add', 'default', 'via', '10.244.0.1');
  ip('netns', 'exec', name('host'), 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
};

/** A homelab and a worker joined by real Nebula; the host's own network stays untouched. */
export const createDoorWorld = (nebula: string, nebulaCert: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-door-'));
  const prefix = `cdw${process.pid}x${folder.slice(-4)}`;
  const name = (place: Place): string => `${prefix}-${place}`;
  const namespaces = createNamespaces();
  const run = (place: Place, words: string[], env: NodeJS.ProcessEnv = {}, cwd = process.cwd()): ChildProcess => {
    const log = openSync(join(folder, 'errors'), 'a');
    const child = spawn('ip', ['netns', 'exec', name(place), ...words], {
      cwd,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', log],
    });
    return namespaces.keep(child);
  };
  const startNebula = (own: keyof typeof CONFIG): Talker => {
    writeFileSync(join(folder, `${own}.yml`), CONFIG[own]);
    const place = own === 'lighthouse' ? 'host' : 'worker';
    return watch(run(place, [nebula, '-config', `${own}.yml`], {}, folder), own);
  };
  const talk = (place: Place, ...words: string[]): Talker =>
    watch(
      run(place, [process.execPath, 'test/system/support/door-talker.ts', ...words]),
      `${place} ${words.join(' ')}`,
    );
  mkdirSync(folder, { recursive: true });
  makeCertificates(folder, nebulaCert);
  for (const place of ['router', 'host', 'pod', 'worker'] as const) namespaces.add(name(place));
  layCables(name);
  return {
    startNebula,
    talk,
    /** The real program, with the settings of homelab/mesh-door.env but for what is told. */
    startDoor: (settings: NodeJS.ProcessEnv): Talker =>
      watch(
        run('host', [process.execPath, 'homelab/mesh-door/main.ts'], {
          DOOR_HOST_ADDRESS: HOST_LAN,
          DOOR_SOURCES: '10.244.0.0/16',
          DOOR_DRAIN_SECONDS: '0',
          ...settings,
        }),
        'door',
      ),
    /** Pings until one is answered, so that a tunnel stands. */
    reach: async (place: Place, address: string, milliseconds: number): Promise<void> => {
      if (await namespaces.reach(name(place), address, milliseconds)) return;
      throw new Error(`${place} never reached ${address}`);
    },
    close: async (): Promise<void> => {
      await namespaces.close();
      rmSync(folder, { recursive: true });
    },
  };
};

export type DoorWorld = ReturnType<typeof createDoorWorld>;
