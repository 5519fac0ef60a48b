import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../agent/worker/connection/limits.ts';
import { until } from '../../support/eventually.ts';
import { FastClock } from '../../support/running-time.ts';
import { Bench } from './support/bench.ts';
import type { OurControlPlane } from './support/our-control-plane.ts';

const NODE = 'our-agent';
const YEAR_MS = 365 * 24 * 3_600_000;

/** Our agent and our control plane, with everything between them that can go wrong. */
describe.concurrent('our agent at our control plane', () => {
  const streamOf = (plane: OurControlPlane) => until('the node with its stream', () => plane.fleet.get(NODE)?.stream);

  it('is shown with what only ours say', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    bench.agent({ port: plane.port });
    await streamOf(plane);

    expect(await plane.node(NODE)).toMatchObject({
      state: 'online',
      agent_version: expect.stringMatching(/\d/),
      busy_with: 'ollama',
      timeline: [{ mark: 'mesh' }],
    });
  });

  it('runs a command once, though its control plane was replaced before the result arrived', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const tap = await bench.tap(plane);
    const { ran } = bench.agent({ port: tap.port });
    const first = await streamOf(plane);
    const { id } = await plane.command(NODE, 'DRAIN');
    await until('the command', () => ran.length === 1);
    tap.cut();
    await until('another stream', () => {
      const next = plane.fleet.get(NODE)?.stream;
      return next !== undefined && next !== first;
    });
    await until('the result', () => plane.events.find(({ event }) => event === 'command result'));
    const audit = await plane.audit(id);

    expect(ran.map(({ commandId }) => commandId)).toEqual([id]);
    expect(audit.filter(({ event }) => event === 'result')).toHaveLength(1);
  });

  it('is back within its back-off after a restart, as the node that it was', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const before = await bench.ourControlPlane();
    const { port } = before;
    const { clock } = bench.agent({ port, factor: 20 });
    await streamOf(before);
    await before.close();
    const at = clock.monotonic();
    const after = await bench.ourControlPlane({ port });
    await streamOf(after);

    expect(clock.monotonic() - at).toBeLessThan(60_000);
    expect(after.fleet.list().map(({ record }) => record.id)).toEqual([NODE]);
  });

  it('comes anew at the age limit, and is never seen as anything but online', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane({
      flags: ['--max-connection-age', '200ms', '--connection-grace', '100ms'],
    });
    const { agent } = bench.agent({ port: plane.port, factor: 20, limits: { stableMs: 1_000 } });
    await streamOf(plane);
    const registrations = () => plane.events.filter(({ event }) => event === 'registered').length;
    const unwell: string[] = [];
    const watch = setInterval(() => {
      const state = plane.fleet.get(NODE)?.record.state;
      if (state !== 'online' || !agent.hearing.healthy()) unwell.push(`${state}`);
    }, 5);
    onTestFinished(() => clearInterval(watch));
    await until('five connections', () => registrations() >= 5);

    expect(unwell).toEqual([]);
    expect(plane.fleet.list()).toHaveLength(1);
  });

  it('is let go by both sides when the connection only seems to live, and is back on another', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane({ flags: ['--ping-interval', '200ms', '--ping-timeout', '300ms'] });
    const tap = await bench.tap(plane);
    const { agent } = bench.agent({ port: tap.port, factor: 40, limits: { pingAnswerMs: LIMITS.pingAnswerMs } });
    const first = await streamOf(plane);
    tap.freeze();
    await until('the agent to notice', () => !agent.hearing.connected);
    await until('the control plane to notice', () => plane.fleet.get(NODE)?.stream === undefined);
    const { status } = await plane.command(NODE, 'DRAIN');
    tap.thaw();
    const next = await streamOf(plane);

    expect(status).toBe(502);
    expect(next).not.toBe(first);
    expect(plane.events.map(({ event }) => event)).toContain('connection is half open');
  });

  it('is stale after the stale limit and dead after the dead threshold when it is cut off, and comes back', async ({
    onTestFinished,
  }) => {
    const bench = new Bench(onTestFinished);
    // Long enough apart that a look at the fleet each second cannot miss the one for the other.
    const flags = ['--stale-timeout', '1s', '--dead-threshold', '4s'];
    const plane = await bench.ourControlPlane({ clock: new FastClock(1), flags });
    const tap = await bench.tap(plane);
    bench.agent({ port: tap.port, factor: 200 });
    await streamOf(plane);
    tap.freeze();
    const states: string[] = [];
    await until('death', () => {
      const state = plane.fleet.get(NODE)?.record.state;
      if (state !== undefined && states.at(-1) !== state) states.push(state);
      return state === 'dead';
    });
    tap.cut();
    tap.thaw();
    await streamOf(plane);

    expect(states).toEqual(['online', 'stale', 'dead']);
    expect(plane.fleet.get(NODE)?.record.state).toBe('online');
  });

  it.for([
    ['forward', YEAR_MS],
    ['back', -YEAR_MS],
  ] as const)('stays online when somebody sets the control plane’s clock %s by a year', async ([, jumpMs], context) => {
    const bench = new Bench(context.onTestFinished);
    const clock = new FastClock(1);
    const plane = await bench.ourControlPlane({ clock, flags: ['--stale-timeout', '1s', '--dead-threshold', '2s'] });
    bench.agent({ port: plane.port, factor: 100 });
    await streamOf(plane);
    clock.jumpMs = jumpMs;
    const states = new Set<string | undefined>();
    const end = clock.monotonic() + 1_500;
    await until('more than a sweep', () => {
      states.add(plane.fleet.get(NODE)?.record.state);
      return clock.monotonic() > end;
    });

    expect([...states]).toEqual(['online']);
    expect(plane.events.filter(({ event }) => event === 'registered')).toHaveLength(1);
  });

  it('costs others nothing when it does not read its stream: its commands are refused', async ({ onTestFinished }) => {
    const bench = new Bench(onTestFinished);
    const plane = await bench.ourControlPlane();
    const slow = bench.peerAgent(plane);
    await slow.register({ node_id: 'slow', nebula_ip: '10.100.0.8' });
    const stream = slow.connect();
    stream.pause();
    stream.send({ status: { node_id: 'slow' } });
    bench.agent({ port: plane.port });
    await streamOf(plane);
    await until('the slow one', () => plane.fleet.get('slow')?.stream !== undefined);
    const answers: number[] = [];
    for (let index = 0; index < 14; index += 1)
      answers.push((await plane.command('slow', 'PULL_MODEL', { model: 'm'.repeat(8_000) })).status);
    const { status } = await plane.command(NODE, 'DRAIN');

    expect(answers.filter((answer) => answer === 200).length).toBeLessThanOrEqual(10);
    expect(answers.at(-1)).toBe(502);
    expect(status).toBe(200);
  });
});
