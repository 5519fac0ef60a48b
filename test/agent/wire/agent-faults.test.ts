import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../agent/worker/connection/limits.ts';
import { until } from '../../support/eventually.ts';
import { FastClock } from '../../support/running-time.ts';
import { Bench, firstStream } from './support/bench.ts';
import { BROKEN_SERVERS } from './support/broken-servers.ts';

const HOUR_MS = 3_600_000;

describe.concurrent('our agent', () => {
  it.for(BROKEN_SERVERS)('outlives a server that %s, and connects to one that does not', async (name, context) => {
    const bench = new Bench(context.onTestFinished);
    const broken = await bench.broken(name);
    const { events } = bench.agent({ port: broken.port, factor: 100, limits: LIMITS });
    await until('another attempt', () => broken.connections >= 3);
    await broken.close();
    const plane = await bench.controlPlane({}, broken.port);
    await firstStream(plane);

    expect(events.map(({ event }) => event)).not.toContain('loop failed');
  });

  it('comes back within the time of its back-off after its control plane was away', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const before = await bench.controlPlane();
    const { clock } = bench.agent({ port: before.port, factor: 20 });
    await firstStream(before);
    before.close();
    await clock.sleep(20_000);
    const at = clock.monotonic();
    const after = await bench.controlPlane({}, before.port);
    await firstStream(after);

    expect(clock.monotonic() - at).toBeLessThan(60_000);
    expect(after.registrations).toHaveLength(1);
  });

  it('survives an hour without a network: unhealthy meanwhile, quiet in its log, and back afterwards', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const clock = new FastClock(2_000);
    const before = await bench.controlPlane();
    const { agent, events } = bench.agent({ port: before.port, factor: 2_000, clock });
    await firstStream(before);
    before.close();
    await until('the end of the connection', () => !agent.hearing.connected);
    await until('unhealthy', () => !agent.hearing.healthy());
    await clock.sleep(HOUR_MS);
    const silentSeconds = agent.hearing.silentSeconds();
    const lines = events.filter(({ event }) => event === 'cannot connect').length;
    const after = await bench.controlPlane({}, before.port);
    await firstStream(after);
    await until('health', () => agent.hearing.healthy());

    expect(silentSeconds).toBeGreaterThan(3_500);
    expect(lines).toBeLessThanOrEqual(12);
  });

  it('notices by a ping that a connection only seems to live, and opens another', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    const tap = await bench.tap(plane);
    const { agent, clock, events } = bench.agent({
      port: tap.port,
      factor: 40,
      limits: { pingAnswerMs: LIMITS.pingAnswerMs },
    });
    await firstStream(plane);
    tap.freeze();
    const at = clock.monotonic();
    await until('the loss', () => !agent.hearing.connected);
    const noticedAfter = clock.monotonic() - at;
    tap.thaw();
    await until('another stream', () => plane.streams.length === 2);

    expect(noticedAfter).toBeLessThan(60_000);
    expect(events.find(({ event }) => event === 'disconnected')?.facts.reason).toMatch(/ping|heartbeat/);
  });

  it.for([
    ['forward', 400 * 24 * HOUR_MS],
    ['back', -400 * 24 * HOUR_MS],
  ] as const)('does not care when somebody sets the clock %s by a year', async ([, jumpMs], context) => {
    const bench = new Bench(context.onTestFinished);
    const clock = new FastClock(100);
    const plane = await bench.controlPlane();
    const { agent } = bench.agent({ port: plane.port, factor: 100, clock });
    await firstStream(plane);
    clock.jumpMs = jumpMs;
    const heartbeats = plane.heartbeats.length;
    await until('heartbeats', () => plane.heartbeats.length >= heartbeats + 3);

    expect(agent.hearing.healthy()).toBe(true);
    expect(plane.registrations).toHaveLength(1);
  });

  it('ends in order: a last status, the end of the stream, and no call left open', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.controlPlane();
    const { agent, events } = bench.agent({ port: plane.port, factor: 1 });
    const stream = await firstStream(plane);
    await agent.stop();

    expect(events.at(-1)).toEqual({ event: 'stopped', facts: { inOrder: true } });
    expect(stream.open).toBe(false);
    expect(stream.received.at(-1)).toMatchObject({ payload: 'log', log: { message: 'the agent ends' } });
  });
});
