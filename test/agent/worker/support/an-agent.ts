import { jsonLog } from '../../../../agent/shared/log.ts';
import type { CommandRunner, Reporter, Settings, System } from '../../../../agent/worker/ports.ts';
import { type AgentParts, runAgent } from '../../../../agent/worker/run-agent.ts';
import { until } from '../../../support/eventually.ts';
import { FastClock } from '../../../support/running-time.ts';

export interface Line {
  readonly level: string;
  readonly event: string;
  readonly [key: string]: unknown;
}

export const someSettings = (overrides: Partial<Settings> = {}): Settings => ({
  controlPlane: { host: '127.0.0.1', port: 1 },
  tls: { on: false, caFile: undefined },
  tokenFile: '/run/carrierarr/agent-token',
  nodeType: 'gpu-worker',
  nodeId: 'ip-10-0-0-7',
  worker: 'atlas',
  fleet: 'burst',
  generation: undefined,
  instanceId: 'i-0123456789abcdef0',
  nebulaIp: '127.0.0.1',
  privateIp: undefined,
  publicIp: undefined,
  region: 'us-west-2',
  availabilityZone: undefined,
  imds: undefined,
  // The kernel picks one.
  healthPort: 0,
  logLevel: 'debug',
  exec: false,
  ...overrides,
});

export const aSystem = (overrides: Partial<System> = {}): System => ({
  run: async () => ({ code: 0, stdout: '', stderr: '' }),
  ask: async () => undefined,
  readText: async () => undefined,
  writeText: async () => true,
  diskMegabytes: async () => undefined,
  hostname: () => 'ip-10-0-0-7',
  addressOf: () => undefined,
  watch: () => () => {},
  ...overrides,
});

export const aReporter = (overrides: Partial<Reporter> = {}): Reporter => ({
  registration: async () => ({ instanceType: 'g5.xlarge' }),
  status: async () => ({ idleSeconds: 7n }),
  ...overrides,
});

export type Overrides = Partial<Omit<AgentParts, 'settings' | 'reporter' | 'runner'>> & {
  settings?: Partial<Settings>;
  reporter?: Partial<Reporter>;
  run?: CommandRunner['run'];
};

/** An agent in this process, with everything but its connection made up, forty times as fast as a real one. */
export const anAgent = (port: number, overrides: Overrides = {}) => {
  const lines: Line[] = [];
  const { settings, reporter, run = async () => ({ success: true }), ...parts } = overrides;
  const agent = runAgent({
    environment: {},
    system: aSystem(),
    clock: new FastClock(40),
    log: jsonLog((line) => lines.push(JSON.parse(line) as Line), { minimum: 'debug' }),
    ...parts,
    settings: someSettings({ controlPlane: { host: '127.0.0.1', port }, ...settings }),
    reporter: () => aReporter(reporter),
    runner: () => ({ run }),
  });
  const count = (event: string): number => lines.filter((line) => line.event === event).length;
  return {
    ...agent,
    lines,
    count,
    connected: (times = 1) =>
      until(`${times} connections`, () => count('connected') >= times && agent.hearing.connected),
  };
};
