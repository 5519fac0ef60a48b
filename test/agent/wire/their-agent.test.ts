import { describe, expect, it } from 'vitest';
import { until } from '../../support/eventually.ts';
import { FastClock } from '../../support/running-time.ts';
import { Bench } from './support/bench.ts';
import { ENUMS } from './support/contract.ts';
import type { OurControlPlane } from './support/our-control-plane.ts';
import type { PeerAgent, PeerStream } from './support/peer-agent.ts';
import type { PeerMessage } from './support/peer-types.ts';

const NODE = 'ip-10-0-0-7';

const registration: PeerMessage = {
  node_id: NODE,
  node_type: 'NODE_TYPE_GPU_WORKER',
  instance_id: 'i-0aaa',
  nebula_ip: '10.100.0.7',
  public_ip: '198.51.100.7',
  region: 'eu-central-1',
  availability_zone: 'eu-central-1b',
  labels: { pool: 'gpu' },
  capabilities: { has_gpu: true, gpu_model: 'NVIDIA L4', gpu_count: 1, gpu_memory_mb: '23034', cpu_cores: 4 },
};

const status: PeerMessage = {
  status: {
    node_id: NODE,
    timestamp: { seconds: '1795337820', nanos: 0 },
    nebula: { state: 'SERVICE_STATE_RUNNING', uptime_seconds: '50' },
    k3s: { state: 'SERVICE_STATE_STARTING', message: 'activating' },
    ollama: { state: 'SERVICE_STATE_RUNNING' },
    liqo: { state: 'SERVICE_STATE_NOT_INSTALLED' },
    resources: { cpu_percent: 37.5, memory_used_mb: '4000', memory_total_mb: '16000', disk_used_mb: '1' },
    gpus: [{ index: 0, name: 'NVIDIA L4', memory_used_mb: '9000', memory_total_mb: '23034', temperature_c: 61 }],
    loaded_models: [{ name: 'llama3.1:8b', size_bytes: '4920753328', currently_loaded: true }],
    uptime_seconds: '3600',
    idle_seconds: '42',
    health: 'HEALTH_STATE_DEGRADED',
  },
};

/** What an agent in use does at its start. */
async function enter(agent: PeerAgent, message: PeerMessage = registration): Promise<PeerStream> {
  await agent.register(message);
  const stream = agent.connect();
  stream.send(status);
  return stream;
}

/** Agents as they are in use, at our control plane. */
describe.concurrent('an agent that we did not write at our control plane', () => {
  const online = (plane: OurControlPlane) =>
    until('the node with its stream', () => plane.fleet.get(NODE)?.stream !== undefined);

  it('is accepted, and told the intervals that it knows', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const answer = await bench.peerAgent(plane).register(registration);

    expect(answer).toMatchObject({
      accepted: true,
      assigned_id: NODE,
      heartbeat_interval_sec: 30,
      status_interval_sec: 30,
    });
  });

  it('is shown with all that it says', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    await enter(bench.peerAgent(plane));
    await online(plane);

    expect(await plane.node(NODE)).toMatchObject({
      id: NODE,
      type: 'NODE_TYPE_GPU_WORKER',
      instance_id: 'i-0aaa',
      nebula_ip: '10.100.0.7',
      public_ip: '198.51.100.7',
      region: 'eu-central-1',
      az: 'eu-central-1b',
      labels: { pool: 'gpu' },
      connected: true,
      stream_active: true,
      health: 'HEALTH_STATE_DEGRADED',
      uptime_seconds: 3_600,
      idle_seconds: 42,
      resources: { cpu_percent: 37.5, memory_used_mb: 4_000, memory_total_mb: 16_000 },
      gpus: [{ name: 'NVIDIA L4', memory_used_mb: 9_000, memory_total_mb: 23_034, temperature_c: 61 }],
      models: [{ name: 'llama3.1:8b', size_bytes: 4_920_753_328, currently_loaded: true }],
    });
  });

  it('has its heartbeats answered with the time, and a stranger’s with no', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const agent = bench.peerAgent(plane);
    await agent.register(registration);
    const known = await agent.heartbeat({ node_id: NODE });
    const unknown = await agent.heartbeat({ node_id: 'stranger' });

    expect(known.ok).toBe(true);
    expect(Math.abs(Number((known.server_time as { seconds: string }).seconds) - Date.now() / 1_000)).toBeLessThan(60);
    expect(unknown.ok).toBe(false);
  });

  it('gets every kind of command, and its results are kept', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const stream = await enter(bench.peerAgent(plane));
    await online(plane);
    const types = ENUMS.CommandType.values.split(' ').slice(1);
    for (const type of types) {
      const { status: answer, id } = await plane.command(NODE, type, { model: 'm' });
      const sent = await until(`the command ${type}`, () =>
        stream.received.find(
          ({ payload, command }) => payload === 'command' && (command as PeerMessage).command_id === id,
        ),
      );
      stream.send({ command_result: { command_id: id, success: true, stdout: 'done', duration_ms: '12' } });
      const audit = await until('its result', () =>
        plane.events.find(({ event, facts }) => event === 'command result' && facts.command === id),
      );

      expect(answer).toBe(200);
      expect(sent.command).toMatchObject({ type: `COMMAND_TYPE_${type}`, args: { model: 'm' } });
      expect(audit.facts).toMatchObject({ node: NODE, type });
    }
    const { id } = await plane.command(NODE, 'DRAIN');
    expect((await plane.audit(id)).map(({ event }) => event)).toEqual(['accepted', 'delivered']);
  });

  it('sees the fleet, whole and by kind', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const agent = bench.peerAgent(plane);
    await enter(agent);
    await agent.register({ node_id: 'lighthouse', node_type: 'NODE_TYPE_LIGHTHOUSE', nebula_ip: '10.100.0.2' });
    await online(plane);
    const all = await agent.fleet();
    const lighthouses = await agent.fleet({ node_type: 'NODE_TYPE_LIGHTHOUSE' });
    const degraded = await agent.fleet({ health: 'HEALTH_STATE_DEGRADED' });
    const ids = (answer: PeerMessage) => (answer.nodes as PeerMessage[]).map((node) => node.node_id).toSorted();

    expect(ids(all)).toEqual([NODE, 'lighthouse']);
    expect(ids(lighthouses)).toEqual(['lighthouse']);
    expect(ids(degraded)).toEqual([NODE]);
    expect(all.summary).toMatchObject({ total_nodes: 2, gpu_nodes: 1, total_gpus: 1 });
    expect((all.nodes as PeerMessage[]).find((node) => node.node_id === NODE)).toMatchObject({
      node_type: 'NODE_TYPE_GPU_WORKER',
      health: 'HEALTH_STATE_DEGRADED',
      connected: true,
      cpu_percent: 37.5,
      memory_percent: 25,
      uptime_seconds: '3600',
      idle_seconds: '42',
      gpu_count: 1,
      loaded_models: 1,
    });
  });

  it('may say more than our version knows', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const agent = bench.peerAgent(plane);
    const stream = await enter(agent, { ...registration, later: true });
    stream.send({ later: true });
    stream.send({ ...status, later: true });
    await online(plane);

    expect((await agent.heartbeat({ node_id: NODE, later: true })).ok).toBe(true);
    expect((await agent.fleet({ later: true })).nodes).toHaveLength(1);
  });

  it('is taken for what it is when it uses values of enums that our version does not know', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const agent = bench.peerAgent(plane);
    await agent.register({ ...registration, node_type: 77 });
    const stream = agent.connect();
    stream.send({ status: { node_id: NODE, health: 88, nebula: { state: 99 } } });
    await online(plane);

    expect(await plane.node(NODE)).toMatchObject({ type: 'NODE_TYPE_UNSPECIFIED', health: 'HEALTH_STATE_UNSPECIFIED' });
    expect((await agent.fleet()).nodes).toHaveLength(1);
  });

  it('is not disturbed by the pings of the server, nor the server by its keep-alive', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const plane = await bench.ourControlPlane({ flags: ['--ping-interval', '100ms', '--ping-timeout', '20s'] });
    const agent = bench.peerAgent(plane, { 'grpc.keepalive_time_ms': 50, 'grpc.keepalive_timeout_ms': 20_000 });
    const stream = await enter(agent);
    const over = await Promise.race([stream.over, new FastClock(1).sleep(1_500).then(() => 'open')]);

    expect(over).toBe('open');
    expect((await agent.heartbeat({ node_id: NODE })).ok).toBe(true);
    // Something that grows with each ping.
    expect(warnings.map(({ name }) => name)).not.toContain('MaxListenersExceededWarning');
  });
});
