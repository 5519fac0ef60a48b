import { describe, expect, it } from 'vitest';
import { until } from '../../support/eventually.ts';
import { Bench, firstStream } from './support/bench.ts';
import { ENUMS, valuesOf } from './support/contract.ts';
import { KNOWN_REPLY } from './support/peer-control-plane.ts';

/** Our agent at control planes as they are in use. */
describe.concurrent('our agent at a control plane that we did not write', () => {
  it('registers with all that is known of the node, then opens its stream with a status', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    bench.agent({ port: plane.port, token: () => 'a-token\n' });
    const stream = await firstStream(plane);

    expect(plane.registrations).toHaveLength(1);
    expect(plane.registrations[0]?.message).toMatchObject({
      node_id: 'our-agent',
      node_type: 'NODE_TYPE_GPU_WORKER',
      instance_id: 'i-0123456789abcdef0',
      nebula_ip: '10.100.0.9',
      public_ip: '203.0.113.9',
      region: 'eu-central-1',
      availability_zone: 'eu-central-1a',
      labels: { role: 'gpu' },
      capabilities: { has_gpu: true, gpu_count: 1 },
    });
    expect(stream.received[0]).toMatchObject({
      payload: 'status',
      status: {
        node_id: 'our-agent',
        health: 'HEALTH_STATE_HEALTHY',
        nebula: { state: 'SERVICE_STATE_RUNNING', uptime_seconds: '90' },
        gpus: [{ name: 'NVIDIA L4', memory_total_mb: '23034', utilization_percent: 3.5, temperature_c: 41 }],
        loaded_models: [{ name: 'llama3.1:8b', size_bytes: '4920753328', currently_loaded: true }],
        uptime_seconds: '100',
        idle_seconds: '7',
      },
    });
  });

  it('shows its token with each call', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    bench.agent({ port: plane.port, factor: 300, token: () => 'a-token\n' });
    const stream = await firstStream(plane);
    const heartbeat = await until('a heartbeat', () => plane.heartbeats[0]);
    for (const { metadata } of [plane.registrations[0], stream, heartbeat].filter((call) => call !== undefined))
      expect(metadata.get('authorization')).toEqual(['Bearer a-token']);
  });

  it('sends heartbeats and statuses as often as the answer to its registration says', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    plane.reply = { ...KNOWN_REPLY, heartbeat_interval_sec: 10, status_interval_sec: 20 };
    const { clock } = bench.agent({ port: plane.port, factor: 100 });
    const stream = await firstStream(plane);
    const [heartbeats, at] = [plane.heartbeats.length, clock.monotonic()];
    await until('heartbeats', () => plane.heartbeats.length >= heartbeats + 6);
    const seconds = (clock.monotonic() - at) / 1_000;

    expect(seconds).toBeGreaterThan(45);
    expect(plane.heartbeats[0]?.message).toMatchObject({ node_id: 'our-agent' });
    // Two per twenty seconds would be too many, however late the first of them counts.
    expect(stream.received.length).toBeGreaterThanOrEqual(3);
    expect(stream.received.length).toBeLessThan(4 + seconds / 10);
  });

  it('answers every kind of command, also those that it does not know', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    bench.agent({ port: plane.port });
    const stream = await firstStream(plane);
    const types = [...Object.values(valuesOf('CommandType')), 99];
    for (const type of types) stream.send({ command: { command_id: `c${type}`, type, args: { model: 'm' } } });
    const results = await until('results', () => {
      const found = stream.received.filter((message) => message.payload === 'command_result');
      return found.length === types.length && found.map((message) => message.command_result);
    });

    const names = ENUMS.CommandType.values.split(' ').slice(1);
    expect(results).toHaveLength(names.length + 2);
    for (const [index, name] of names.entries())
      expect(results).toContainEqual(
        expect.objectContaining({ command_id: `c${index + 1}`, success: true, stdout: `${name} {"model":"m"}` }),
      );
    expect(results).toContainEqual(expect.objectContaining({ command_id: 'c0', success: false }));
    expect(results).toContainEqual(expect.objectContaining({ command_id: 'c99', success: false }));
  });

  it('takes other settings while it runs, and leaves those that are zero', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    plane.reply = { ...KNOWN_REPLY, heartbeat_interval_sec: 60, status_interval_sec: 300 };
    const { events, clock } = bench.agent({ port: plane.port, factor: 20 });
    const stream = await firstStream(plane);
    stream.send({ config: { heartbeat_interval_sec: 5 } });
    await until('the change', () => events.filter(({ event }) => event === 'settings changed').length === 2);
    const [heartbeats, at] = [plane.heartbeats.length, clock.monotonic()];
    await until('heartbeats', () => plane.heartbeats.length >= heartbeats + 5);

    // At the rate before it would be five minutes.
    expect(clock.monotonic() - at).toBeLessThan(200_000);
    expect(events.findLast(({ event }) => event === 'settings changed')?.facts).toMatchObject({
      heartbeatSeconds: 5,
      statusSeconds: 300,
    });
  });

  it('skips what a later version says', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    plane.reply = { ...KNOWN_REPLY, later: true };
    plane.heartbeatReply = { ok: true, later: true };
    bench.agent({ port: plane.port, factor: 300 });
    const stream = await firstStream(plane);
    stream.send({ later: true });
    stream.send({ ack: { message_id: 'm', received: true }, later: true });
    stream.send({ command: { command_id: 'c', type: 1 }, later: true });
    await until('a result', () => stream.received.some((message) => message.payload === 'command_result'));
    await until('heartbeats', () => plane.heartbeats.length > 2);

    expect(plane.registrations).toHaveLength(1);
  });

  it('comes back each time that its connection has grown too old, and never calls itself unreachable', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane({
      'grpc.max_connection_age_ms': 150,
      'grpc.max_connection_age_grace_ms': 50,
    });
    const { agent, events } = bench.agent({ port: plane.port, factor: 20, limits: { stableMs: 1_000 } });
    const unhealthy = setInterval(() => agent.hearing.healthy() || events.push({ event: 'unhealthy', facts: {} }), 5);
    onTestFinished(() => clearInterval(unhealthy));
    // A connection of a busy machine may be too old before it has said anything.
    const said = () =>
      plane.streams.flatMap(({ received }) => (received[0] === undefined ? [] : [received[0].payload]));
    await until('five connections', () => plane.registrations.length >= 5 && said().length >= 5);
    await until('a farewell', () => events.some(({ facts }) => /GOAWAY 0/.test(String(facts.reason))));

    expect(new Set(said())).toEqual(new Set(['status']));
    expect(events.map(({ event }) => event)).not.toContain('unhealthy');
  });

  it('delivers a result over the next connection when the first is lost before it is proven to have arrived', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    const tap = await bench.tap(plane);
    bench.agent({ port: tap.port, factor: 20 });
    const stream = await firstStream(plane);
    stream.send({ command: { command_id: 'lost', type: 'COMMAND_TYPE_DRAIN' } });
    await until('the result', () => stream.received.some((message) => message.payload === 'command_result'));
    tap.cut();
    const next = await until('the next stream', () => plane.streams[1]);
    await until('the result again', () => next.received.find((message) => message.payload === 'command_result'));

    expect(next.received).toContainEqual(
      expect.objectContaining({ command_result: expect.objectContaining({ command_id: 'lost', success: true }) }),
    );
  });

  it('pings as often as Nebula needs it, and never so often that a server of grpc-go would end the connection', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const factor = 40;
    const plane = await bench.controlPlane();
    plane.reply = { ...KNOWN_REPLY, heartbeat_interval_sec: 60, status_interval_sec: 300 };
    const tap = await bench.tap(plane, 10_000 / factor);
    bench.agent({ port: tap.port, factor });
    await firstStream(plane);
    const policy = await until(
      'pings',
      () => tap.connections.find((connection) => connection.policy.pings >= 4)?.policy,
    );

    expect(tap.connections).toHaveLength(1);
    expect(policy.worst).toBe(0);
  });

  it('asks again when it was not accepted', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    plane.reply = { ...KNOWN_REPLY, accepted: false, message: 'full' };
    const { events } = bench.agent({ port: plane.port, factor: 300 });
    await until('two attempts', () => plane.registrations.length >= 2);
    plane.reply = KNOWN_REPLY;
    await firstStream(plane);

    expect(events.find(({ event }) => event === 'refused')?.facts.reason).toBe('full');
  });

  it('registers anew when the control plane says that it does not know the node', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    bench.agent({ port: plane.port, factor: 300 });
    await firstStream(plane);
    plane.heartbeatReply = { ok: false };
    await until('another registration', () => plane.registrations.length >= 2);
    plane.heartbeatReply = { ok: true };
    await until('another stream', () => plane.streams.length >= 2);
  });
});
