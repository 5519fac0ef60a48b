import { createServer } from 'node:http';
import { constants } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../agent/worker/connection/limits.ts';
import { until } from '../../../support/eventually.ts';
import { Wiretap } from '../../wire/support/wiretap.ts';
import { FakeControlPlane } from '../support/a-control-plane.ts';
import { anAgent, aSystem, type Overrides } from '../support/an-agent.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const aControlPlane = async (port = 0): Promise<FakeControlPlane> => {
  const plane = await new FakeControlPlane().listen(port);
  cleanUps.push(() => plane.close());
  return plane;
};

const started = (port: number, overrides: Overrides = {}) => {
  const agent = anAgent(port, overrides);
  cleanUps.push(() => agent.stop());
  return agent;
};

const connected = async (overrides: Overrides = {}) => {
  const plane = await aControlPlane();
  const agent = started(plane.port, overrides);
  await agent.connected();
  await until('a first status', () => plane.statuses.length > 0);
  return { plane, agent };
};

/** Registered anew, a new stream, a status on it. */
const comesBack = async (plane: FakeControlPlane, agent: Awaited<ReturnType<typeof connected>>['agent']) => {
  const registrations = plane.registrations.length;
  const connects = agent.count('connected');
  return async (): Promise<void> => {
    await until('a registration', () => plane.registrations.length > registrations);
    await agent.connected(connects + 1);
    await until('a status', () => plane.order.lastIndexOf('status') > plane.order.lastIndexOf('register'));
  };
};

describe('a connection', () => {
  it('registers, opens the stream and sends a status, and then heartbeats', async () => {
    const { plane } = await connected();

    await until('a heartbeat', () => plane.heartbeats > 0);

    expect(plane.order.slice(plane.order.lastIndexOf('register')).slice(0, 3)).toEqual([
      'register',
      'connect',
      'status',
    ]);
    expect(plane.registrations[0]).toMatchObject({
      nodeId: 'ip-10-0-0-7',
      nodeType: 2,
      worker: 'atlas',
      instanceType: 'g5.xlarge',
      nebulaIp: '127.0.0.1',
    });
    expect(plane.statuses[0]).toMatchObject({ nodeId: 'ip-10-0-0-7', idleSeconds: 7n });
  });

  it('shows the token, read anew each time', async () => {
    const tokens = ['one\n', 'two\n'];
    const readText = async (path: string) => (path === '/token' ? tokens.shift() : undefined);
    const { plane, agent } = await connected({ settings: { tokenFile: '/token' }, system: aSystem({ readText }) });
    const back = await comesBack(plane, agent);

    plane.endStreams();
    await back();

    expect(plane.authorizations.slice(0, 2)).toEqual(['Bearer one', 'Bearer two']);
    expect(JSON.stringify(agent.lines)).not.toMatch(/one|two/);
  });

  it('leaves in order: a last status, a word, the end of the stream', async () => {
    const { plane, agent } = await connected();

    await agent.stop();

    expect(plane.order.slice(-2)).toEqual(['status', 'log']);
    expect(plane.words).toEqual(['the agent ends']);
    expect(agent.lines.at(-1)).toMatchObject({ event: 'stopped', inOrder: true });
  });
});

describe('the agent comes back after', () => {
  const faults: [string, (plane: FakeControlPlane) => void][] = [
    ['the end of the stream', (plane) => plane.endStreams()],
    [
      'a reset stream',
      (plane) => plane.streams.forEach((stream) => void stream.close(constants.NGHTTP2_INTERNAL_ERROR)),
    ],
    ['a GOAWAY', (plane) => plane.sessions.forEach((session) => void session.goaway(constants.NGHTTP2_NO_ERROR))],
    ['a close in order, as at the age limit', (plane) => plane.sessions.forEach((session) => void session.close())],
    ['a cut connection', (plane) => plane.sessions.forEach((session) => void session.destroy())],
  ];
  it.each(faults)('%s', async (_, happen) => {
    const { plane, agent } = await connected();
    const back = await comesBack(plane, agent);

    happen(plane);

    await back();
    expect(agent.count('loop failed')).toBe(0);
  });

  it('a restart of the control plane', async () => {
    const { plane, agent } = await connected();
    await plane.close();
    await until('a loss', () => agent.count('cannot connect') > 0);

    const next = await aControlPlane(plane.port);

    await agent.connected(2);
    expect(next.registrations).toHaveLength(1);
  });

  it('a cable that is out, noticed by a ping', async () => {
    const plane = await aControlPlane();
    const tap = new Wiretap(() => plane.port);
    await tap.listen();
    cleanUps.push(() => tap.close());
    const agent = started(tap.port);
    await agent.connected();

    tap.freeze();
    await until('a loss', () => agent.count('disconnected') > 0);
    tap.thaw();

    await agent.connected(2);
    expect(agent.lines.find(({ event }) => event === 'disconnected')?.reason).toMatch(/ping|heartbeat/);
  });

  const answers: [string, FakeControlPlane['heartbeat'], RegExp][] = [
    ['fails', () => Promise.reject(new ConnectError('overloaded', Code.Unavailable)), /overloaded/],
    ['says that the node is unknown', () => ({ ok: false }), /does not know this node/],
    ['never comes', () => new Promise(() => {}), /a heartbeat took longer/],
  ];
  it.each(answers)('a heartbeat whose answer %s', async (_, heartbeat, reason) => {
    const { plane, agent } = await connected();
    plane.heartbeat = heartbeat;
    const back = await comesBack(plane, agent);

    await until('a loss', () => agent.count('disconnected') > 0);
    plane.heartbeat = () => ({ ok: true });

    await back();
    expect(agent.lines.find(({ event }) => event === 'disconnected')?.reason).toMatch(reason);
  });

  it('a registration that never was answered', async () => {
    const plane = await aControlPlane();
    plane.register = () => new Promise(() => {});
    const agent = started(plane.port);
    await until('a fault', () => agent.count('cannot connect') > 0);

    plane.register = () => ({ accepted: true });

    await agent.connected();
  });

  it('a server that does not speak gRPC', async () => {
    const stranger = createServer((_, response) => response.end('<html>'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const address = stranger.address();
    const port = typeof address === 'string' || address === null ? 0 : address.port;
    const agent = started(port);
    await until('a fault', () => agent.count('cannot connect') > 0);

    stranger.closeAllConnections();
    await new Promise((resolve) => stranger.close(resolve));
    await aControlPlane(port);

    await agent.connected();
  });
});

describe('a refusal', () => {
  it('is told once, and asked about again', async () => {
    const plane = await aControlPlane();
    plane.register = () => ({ accepted: false, message: 'not in this fleet' });
    const agent = started(plane.port, { random: () => 0, limits: { ...LIMITS, refusedBackOffMs: 4000 } });

    await until('a second try', () => plane.registrations.length > 1);
    plane.register = () => ({ accepted: true });
    await agent.connected();

    expect(agent.count('refused')).toBe(1);
    expect(agent.lines.find(({ event }) => event === 'refused')).toMatchObject({
      level: 'error',
      reason: 'not in this fleet',
    });
  });

  it('of the token is told once per change, and tried again with the next token', async () => {
    const plane = await aControlPlane();
    plane.register = () => Promise.reject(new ConnectError('the token has ended', Code.Unauthenticated));
    const agent = started(plane.port, { random: () => 0.2 });

    await until('three tries', () => plane.registrations.length > 2);
    plane.register = () => Promise.reject(new ConnectError('the token is of another worker', Code.PermissionDenied));
    await until('another reason', () => agent.count('unauthorised') > 1);
    plane.register = () => ({ accepted: true });
    await agent.connected();

    expect(agent.lines.filter(({ event }) => event === 'unauthorised').map(({ reason }) => reason)).toEqual([
      '[unauthenticated] the token has ended',
      '[permission_denied] the token is of another worker',
    ]);
  });
});

describe('a reporter', () => {
  it('that throws or hangs costs neither registration nor connection', async () => {
    let calls = 0;
    const status = () => {
      calls += 1;
      return calls % 2 === 0 ? new Promise<never>(() => {}) : Promise.reject(new Error('no /proc'));
    };
    const registration = () => Promise.reject(new Error('no IMDS'));
    const { plane, agent } = await connected({
      reporter: { status, registration },
      limits: { ...LIMITS, reportMs: 2000 },
    });

    plane.send({ payload: { case: 'config', value: { statusIntervalSec: 5 } } });
    await until('more statuses', () => plane.statuses.length > 3);

    expect(plane.registrations[0]).toMatchObject({ worker: 'atlas', instanceId: 'i-0123456789abcdef0' });
    expect(plane.statuses.every(({ health, idleSeconds }) => health === 2 && idleSeconds === 0n)).toBe(true);
    expect(plane.statuses.map(({ busyWith }) => busyWith).join()).toMatch(/no \/proc.*took longer/);
    expect(plane.heartbeats).toBeGreaterThan(0);
    expect(agent.count('disconnected')).toBe(0);
  });
});

describe('intervals', () => {
  it('are taken from the registration, within limits', async () => {
    const plane = await aControlPlane();
    plane.register = () => ({ accepted: true, heartbeatIntervalSec: 1, statusIntervalSec: 100_000 });
    const agent = started(plane.port);
    await agent.connected();

    expect(agent.lines.filter(({ event }) => event === 'setting clamped')).toMatchObject([
      { setting: 'heartbeatSeconds', asked: 1, value: 5 },
      { setting: 'statusSeconds', asked: 100_000, value: 300 },
    ]);
  });

  it('follow the control plane while the connection stands', async () => {
    const { plane, agent } = await connected();

    plane.send({ payload: { case: 'config', value: { heartbeatIntervalSec: 6, idleShutdownMinutes: 45 } } });
    await until('the change', () => agent.count('settings changed') > 1);

    expect(agent.lines.findLast(({ event }) => event === 'settings changed')).toMatchObject({
      heartbeatSeconds: 6,
      statusSeconds: 30,
      idleShutdownMinutes: 45,
    });
    await until('heartbeats', () => plane.heartbeats > 3);
    expect(agent.count('disconnected')).toBe(0);
  });
});
