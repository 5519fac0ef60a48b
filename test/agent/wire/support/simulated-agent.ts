import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { type Client, createClient } from '@connectrpc/connect';
import { createWritableIterable } from '@connectrpc/connect/protocol';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  AgentControl,
  type AgentMessage,
  AgentMessageSchema,
  HealthState,
  type NodeStatusSchema,
  NodeType,
  ServiceState,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { systemClock } from '../../../../agent/worker/clock.ts';
import { LIMITS } from '../../../../agent/worker/connection/limits.ts';
import { openSession, type Session } from '../../../../agent/worker/connection/session.ts';

/** What one simulated agent is told. */
export interface SimulatedAgentOptions {
  /** host:port */
  readonly address: string;
  readonly index: number;
  readonly heartbeatMs: number;
  readonly statusMs: number;
  /** Most that a full-jitter back-off waits, as agents have it. */
  readonly mostBackOffMs: number;
  /** Called with the milliseconds that a heartbeat took. */
  readonly onHeartbeat: (milliseconds: number) => void;
}

const FIRST_BACK_OFF_MS = 1_000;

/** A status of the size that GPU workers send. */
function statusOf(index: number): MessageInitShape<typeof NodeStatusSchema> {
  const running = { state: ServiceState.RUNNING, message: 'active (running)', uptimeSeconds: 3_600n };
  return {
    nodeId: nodeIdOf(index),
    timestamp: timestampNow(),
    nebula: running,
    k3s: running,
    ollama: running,
    liqo: { state: ServiceState.NOT_INSTALLED },
    resources: {
      cpuPercent: 12.5,
      memoryUsedMb: 4_000n,
      memoryTotalMb: 16_000n,
      diskUsedMb: 9_000n,
      diskTotalMb: 80_000n,
    },
    gpus: [
      { name: 'NVIDIA L4', memoryUsedMb: 9_000n, memoryTotalMb: 23_034n, utilizationPercent: 40, temperatureC: 61 },
    ],
    loadedModels: [{ name: 'llama3.1:8b', sizeBytes: 4_920_753_328n, currentlyLoaded: true }],
    uptimeSeconds: 3_600n,
    idleSeconds: 0n,
    health: HealthState.HEALTHY,
    bootTimeline: ['kernel', 'mesh', 'k3s', 'ready'].map((mark) => ({ mark, at: timestampNow() })),
    busyWith: 'ollama',
  };
}

/** Node of one simulated agent. */
export function nodeIdOf(index: number): string {
  return `simulated-${index}`;
}

/** Mesh address of one simulated agent. */
export function meshAddressOf(index: number): string {
  return `10.100.${2 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/** An agent without a node: speaks as ours do, over a connection of its own, and comes back as they do. */
export class SimulatedAgent {
  /** Registered, with a stream that is open and a status sent. */
  up = false;
  connections = 0;
  commands = 0;
  readonly #options: SimulatedAgentOptions;
  readonly #stop = new AbortController();

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
  }

  /** Goes on until it is stopped. */
  async run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      const worked = await this.#connection();
      failures = worked ? 0 : failures + 1;
      await this.#sleep(Math.random() * Math.min(this.#options.mostBackOffMs, FIRST_BACK_OFF_MS * 2 ** failures));
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One connection until its end. @returns whether it worked */
  async #connection(): Promise<boolean> {
    const over = new AbortController();
    const end = (): void => over.abort();
    this.#stop.signal.addEventListener('abort', end);
    const [host = '', port] = this.#options.address.split(':');
    let session: Session | undefined;
    let worked = false;
    try {
      // The agent's own: with its pings, and without Connect's sharing of connections.
      session = await openSession({ host, port: Number(port) }, { clock: systemClock, limits: LIMITS }, over.signal);
      void session.lost.then(end);
      const { baseUrl, manager: sessionManager } = session;
      const transport = createGrpcTransport({ baseUrl, sessionManager, acceptCompression: [] });
      const client = createClient(AgentControl, transport);
      await this.#register(client);
      worked = true;
      await Promise.race([this.#stream(client, over.signal), this.#heartbeats(client, over.signal)]);
    } catch {
      // Comes back, as agents do, whatever it was.
    } finally {
      this.up = false;
      this.#stop.signal.removeEventListener('abort', end);
      end();
      await session?.close(0);
    }
    return worked;
  }

  async #register(client: Client<typeof AgentControl>): Promise<void> {
    const { index } = this.#options;
    const { accepted } = await client.register(
      {
        nodeId: nodeIdOf(index),
        nodeType: NodeType.GPU_WORKER,
        instanceId: `i-${index}`,
        nebulaIp: meshAddressOf(index),
        region: 'eu-central-1',
        labels: { simulated: 'yes' },
        capabilities: { hasGpu: true, gpuModel: 'NVIDIA L4', gpuCount: 1, gpuMemoryMb: 23_034n, cpuCores: 4 },
        instanceType: 'g6.xlarge',
        market: 'spot',
      },
      { timeoutMs: 10_000 },
    );
    if (!accepted) throw new Error('not accepted');
    this.connections += 1;
  }

  async #stream(client: Client<typeof AgentControl>, signal: AbortSignal): Promise<void> {
    const outbox = createWritableIterable<AgentMessage>();
    const send = async (): Promise<void> => {
      const value = statusOf(this.#options.index);
      await outbox.write(create(AgentMessageSchema, { payload: { case: 'status', value } }));
    };
    const statuses = async (): Promise<void> => {
      await send();
      this.up = true;
      for (;;) {
        await this.#sleep(this.#options.statusMs, signal);
        if (signal.aborted) return;
        await send();
      }
    };
    const receive = async (): Promise<void> => {
      for await (const message of client.connect(outbox, { signal })) {
        if (message.payload.case === 'command') this.commands += 1;
      }
    };
    await Promise.race([receive(), statuses()]);
  }

  async #heartbeats(client: Client<typeof AgentControl>, signal: AbortSignal): Promise<void> {
    // Spread from the start: agents do not boot in step.
    await this.#sleep(Math.random() * this.#options.heartbeatMs, signal);
    while (!signal.aborted) {
      const start = performance.now();
      const { ok } = await client.heartbeat({ nodeId: nodeIdOf(this.#options.index) }, { timeoutMs: 10_000 });
      if (!ok) return;
      this.#options.onHeartbeat(performance.now() - start);
      await this.#sleep(this.#options.heartbeatMs, signal);
    }
  }

  async #sleep(milliseconds: number, signal = this.#stop.signal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done);
    });
  }
}
