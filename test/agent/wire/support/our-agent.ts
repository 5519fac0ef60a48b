import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Command,
  type CommandResultSchema,
  CommandType,
  HealthState,
  type NodeStatusSchema,
  ServiceState,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { LIMITS, type Limits } from '../../../../agent/worker/connection/limits.ts';
import type { Clock, Settings, System } from '../../../../agent/worker/ports.ts';
import { type Agent, runAgent } from '../../../../agent/worker/run-agent.ts';
import { FastClock } from '../../../support/running-time.ts';

const TOKEN_FILE = '/run/carrierarr/agent-token';

/** What a test may want of its agent. */
export interface OurAgentOptions {
  readonly port: number;
  readonly nodeId?: string;
  readonly nebulaIp?: string;
  /** How much faster than the wall's its time passes. @default - 20 */
  readonly factor?: number;
  readonly limits?: Partial<Limits>;
  readonly token?: () => string | undefined;
  /** @default - a clock as fast as the factor says */
  readonly clock?: Clock;
}

/** One of our agents as it runs on nodes, on a node that is made up; and what became of it. */
export interface OurAgent {
  readonly agent: Agent;
  readonly clock: Clock;
  /** Events of its log with what they tell. */
  readonly events: { readonly event: string; readonly facts: Readonly<Record<string, unknown>> }[];
  /** Commands that it ran. */
  readonly ran: Command[];
  stop(): Promise<void>;
}

function machine(token: () => string | undefined): System {
  return {
    run: async () => ({ code: 127, stdout: '', stderr: '' }),
    readText: async (path) => (path === TOKEN_FILE ? token() : undefined),
    diskMegabytes: async () => undefined,
    ask: async () => undefined,
    hostname: () => 'our-agent',
    writeText: async () => true,
    addressOf: () => undefined,
    watch: () => () => undefined,
  };
}

const settingsFor = ({ port, nodeId = 'our-agent' }: OurAgentOptions): Settings => ({
  controlPlane: { host: '127.0.0.1', port },
  tls: { on: false, caFile: undefined },
  tokenFile: TOKEN_FILE,
  nodeType: 'gpu-worker',
  nodeId,
  worker: undefined,
  fleet: undefined,
  generation: undefined,
  instanceId: 'i-0123456789abcdef0',
  nebulaIp: undefined,
  privateIp: '10.0.0.9',
  publicIp: '203.0.113.9',
  region: 'eu-central-1',
  availabilityZone: 'eu-central-1a',
  imds: undefined,
  healthPort: 0,
  logLevel: 'debug',
  exec: false,
});

/** How long answers of a test's server may take by the wall, however fast the agent's time passes. */
const PATIENCE_MS = 15_000;

/** The agent's own limits, but for those that would judge how busy this machine is. */
function limitsAt(factor: number): Limits {
  const answer = PATIENCE_MS * factor;
  return { ...LIMITS, connectMs: answer, callMs: answer, reportMs: answer, pingAnswerMs: answer };
}

/** What the made-up node tells in each status. */
export const NODE_STATUS: MessageInitShape<typeof NodeStatusSchema> = {
  nebula: { state: ServiceState.RUNNING, uptimeSeconds: 90n },
  k3s: { state: ServiceState.RUNNING },
  ollama: { state: ServiceState.RUNNING },
  liqo: { state: ServiceState.NOT_INSTALLED },
  resources: { cpuPercent: 12.5, memoryUsedMb: 4_000n, memoryTotalMb: 16_000n },
  gpus: [{ name: 'NVIDIA L4', memoryTotalMb: 23_034n, utilizationPercent: 3.5, temperatureC: 41 }],
  loadedModels: [{ name: 'llama3.1:8b', sizeBytes: 4_920_753_328n, currentlyLoaded: true }],
  uptimeSeconds: 100n,
  idleSeconds: 7n,
  health: HealthState.HEALTHY,
  bootTimeline: [{ mark: 'mesh' }],
  busyWith: 'ollama',
};

const runFor = (command: Command): MessageInitShape<typeof CommandResultSchema> => ({
  success: true,
  stdout: `${CommandType[command.type]} ${JSON.stringify(command.args)}`,
});

/** Starts one of our agents in this process, on a node that answers at once. */
export function startOurAgent(options: OurAgentOptions): OurAgent {
  const { factor = 20, limits, nebulaIp = '10.100.0.9', token = () => undefined } = options;
  const clock = options.clock ?? new FastClock(factor);
  const events: OurAgent['events'] = [];
  const ran: Command[] = [];
  const agent = runAgent({
    settings: settingsFor(options),
    environment: {},
    system: machine(token),
    clock,
    log: (_level, event, facts = {}) => events.push({ event, facts }),
    reporter: () => ({
      registration: async () => ({ nebulaIp, labels: { role: 'gpu' }, capabilities: { hasGpu: true, gpuCount: 1 } }),
      status: async () => NODE_STATUS,
    }),
    runner: () => ({
      run: async (command) => {
        ran.push(command);
        return runFor(command);
      },
    }),
    limits: { ...limitsAt(factor), ...limits },
  });
  return { agent, clock, events, ran, stop: () => agent.stop() };
}
