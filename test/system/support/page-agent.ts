import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createWritableIterable } from '@connectrpc/connect/protocol';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import {
  AgentControl,
  type AgentMessage,
  AgentMessageSchema,
  HealthState,
  type NodeStatusSchema,
  NodeType,
  type RegisterRequestSchema,
  ServiceState,
} from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';

/** Plain objects only, which may be spread. */
type Plain<Shape> = Extract<Shape, { readonly $typeName?: never }>;
type Registration = Plain<MessageInitShape<typeof RegisterRequestSchema>>;
type Status = Plain<MessageInitShape<typeof NodeStatusSchema>>;

const MARKS = ['kernel-start', 'boot-start', 'identity-installed', 'mesh-address-up', 'k3s-ready', 'boot-done'];

const numberOf = (worker: string): string => /\d+$/.exec(worker)?.[0] ?? '1';

/** What a gpu-worker on Spot registers with; the number at the end of its name makes its address and its instance. */
export const registrationOf = (worker: string): Registration => ({
  nodeId: `host-of-${worker}`,
  nodeType: NodeType.GPU_WORKER,
  instanceId: `i-${numberOf(worker).padStart(17, '0')}`,
  nebulaIp: `10.100.2.${numberOf(worker)}`,
  region: 'us-west-2',
  availabilityZone: 'us-west-2a',
  capabilities: { hasGpu: true, gpuModel: 'Tesla T4', gpuCount: 1 },
  agentVersion: '0.1.0',
  worker,
  instanceType: 'g4dn.xlarge',
  market: 'spot',
  fleet: 'carrierarr',
});

/** The status of a gpu-worker that is fine. */
export const statusOf = (worker: string, overrides: Status = {}): Status => {
  const running = { state: ServiceState.RUNNING, message: 'active (running)' };
  const start = Date.now() - 3_600_000;
  return {
    nodeId: `host-of-${worker}`,
    timestamp: timestampFromMs(Date.now()),
    nebula: running,
    k3s: running,
    ollama: running,
    resources: { cpuPercent: 12, memoryUsedMb: 4000n, memoryTotalMb: 16_000n, diskUsedMb: 9000n, diskTotalMb: 80_000n },
    gpus: [{ name: 'Tesla T4', memoryUsedMb: 9216n, memoryTotalMb: 15_360n, utilizationPercent: 41, temperatureC: 61 }],
    loadedModels: [{ name: 'llama3.1:8b', sizeBytes: 4_920_753_328n, currentlyLoaded: true }],
    uptimeSeconds: 3600n,
    idleSeconds: 240n,
    health: HealthState.HEALTHY,
    bootTimeline: MARKS.map((mark, at) => ({ mark, at: timestampFromMs(start + at * 5000) })),
    ...overrides,
  };
};

/** An agent that a test plays: it says what it is told to, and nothing by itself. */
export interface PageAgent {
  send(status: Status): Promise<void>;
  /** Falls silent, as a machine does that is gone. */
  stop(): void;
}

/** Registers, and opens the stream with a first status. */
export const startAgent = async (port: number, registration: Registration, status: Status): Promise<PageAgent> => {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const client = createClient(AgentControl, createGrpcTransport({ baseUrl, sessionManager }));
  await client.register(registration);
  const outbox = createWritableIterable<AgentMessage>();
  const listen = async (): Promise<void> => {
    try {
      for await (const { payload } of client.connect(outbox)) if (payload.case === 'command') return;
    } catch {
      // The control plane restarts, or the agent has been stopped: both are what a test asked for.
    }
  };
  void listen();
  const send = async (value: Status): Promise<void> => {
    await outbox.write(create(AgentMessageSchema, { payload: { case: 'status', value } }));
  };
  await send(status);
  return { send, stop: () => sessionManager.abort() };
};
