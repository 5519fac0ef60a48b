import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNamespaces, ip, type Namespaces } from './namespaces.ts';

export interface NodeFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface MeshNode {
  readonly name: string;
  /** Puts files in place one by one, each atomically, the certificate last, and has Nebula reread them. */
  renew(files: NodeFiles): void;
  /** Pings ten times a second until stopped. */
  ping(address: string): Ping;
  /** Resolves when one ping is answered. */
  reach(address: string, milliseconds: number): Promise<void>;
  log(): string;
}

export interface Ping {
  /** Ends it and tells what was sent and what was lost; the one on its way at the end does not count. */
  stop(): Promise<{ sent: number; lost: number }>;
}

export interface Mesh {
  /** @param underlay address on the wire between the nodes, e.g. 172.30.0.2 */
  start(name: string, underlay: string, config: string, files: NodeFiles): MeshNode;
  /** Ends every process and removes every namespace; also after a failed start. */
  close(): Promise<void>;
}

/** Why no mesh can be made here; undefined when it can. */
export const meshObstacle = (): string | undefined => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
    execFileSync('ping', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return `no /dev/net/tun, ip or ping: ${error instanceof Error ? error.message : 'unknown'}`;
  }
};

const writeFiles = (directory: string, { ca, certificate, key }: NodeFiles): void => {
  for (const [name, content] of Object.entries({ 'ca.crt': ca, 'host.key': key, 'host.crt': certificate })) {
    writeFileSync(join(directory, `${name}.new`), content, { mode: 0o600 });
    renameSync(join(directory, `${name}.new`), join(directory, name));
  }
};

const startPing = (namespace: string, address: string, namespaces: Namespaces): Ping => {
  const words = ['netns', 'exec', namespace, 'ping', '-n', '-i', '0.1', '-W', '1', address];
  const child = namespaces.keep(spawn('ip', words, { stdio: ['ignore', 'pipe', 'ignore'] }));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  // Its last words may be read only after its end.
  const closed = once(child, 'close');
  return {
    stop: async () => {
      child.kill('SIGINT');
      await closed;
      const summary = /(\d+) packets transmitted/.exec(output);
      if (summary === null) throw new Error(`ping gave no summary: ${output.slice(-500)}`);
      const sent = Number(summary[1]);
      const answered = new Set([...output.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, sequence]) => Number(sequence)));
      const counted = answered.has(sent) ? sent : sent - 1;
      return { sent: counted, lost: counted - answered.size };
    },
  };
};

interface Place {
  readonly namespace: string;
  readonly directory: string;
}

const createNode = (
  name: string,
  { namespace, directory }: Place,
  nebula: ChildProcess,
  namespaces: Namespaces,
): MeshNode => {
  const log = (): string => readFileSync(join(directory, 'log'), 'utf8');
  return {
    name,
    renew: (files) => {
      writeFiles(directory, files);
      nebula.kill('SIGHUP');
    },
    ping: (address) => startPing(namespace, address, namespaces),
    reach: async (address, milliseconds) => {
      if (await namespaces.reach(namespace, address, milliseconds)) return;
      throw new Error(`${name} never reached ${address}:\n${log().slice(-2000)}`);
    },
    log,
  };
};

/**
 * Real Nebula in network namespaces on one wire; the wire is a bridge in a namespace too, so the host stays as it is.
 */
export const createMesh = (nebula: string): Mesh => {
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-mesh-'));
  const prefix = `cnm${process.pid}x${directory.slice(-6)}`;
  const wire = `${prefix}-wire`;
  const namespaces = createNamespaces();
  let ports = 0;
  const plugIn = (namespace: string, underlay: string): void => {
    namespaces.add(namespace);
    ports += 1;
    const port = `p${ports}`;
    ip('-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', wire);
    ip('-n', namespace, 'addr', 'add', `${underlay}/24`, 'dev', 'eth0');
    for (const link of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', link, 'up');
    ip('-n', wire, 'link', 'set', port, 'master', 'br0', 'up');
  };
  return {
    start: (name, underlay, config, files) => {
      if (namespaces.isEmpty) {
        namespaces.add(wire);
        ip('-n', wire, 'link', 'add', 'br0', 'type', 'bridge');
        ip('-n', wire, 'link', 'set', 'br0', 'up');
      }
      const namespace = `${prefix}-${name}`;
      plugIn(namespace, underlay);
      const place = { namespace, directory: join(directory, name) };
      mkdirSync(place.directory);
      writeFiles(place.directory, files);
      writeFileSync(join(place.directory, 'config.yml'), config.replaceAll('/etc/nebula', place.directory));
      const log = openSync(join(place.directory, 'log'), 'a');
      const words = ['netns', 'exec', namespace, nebula, '-config', join(place.directory, 'config.yml')];
      const child = namespaces.keep(spawn('ip', words, { stdio: ['ignore', log, log] }));
      return createNode(name, place, child, namespaces);
    },
    close: async () => {
      await namespaces.close();
      rmSync(directory, { recursive: true });
    },
  };
};
