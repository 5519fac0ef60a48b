import { createHmac } from 'node:crypto';
import { connect, constants } from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { signAgentToken } from '#shared/contract/agent-token.ts';
import { freePort } from '../../../../local/process/free-port.ts';
import { AUTHORIZED, aFolder, aPlane, cleanUp, TestAgent, until } from '../support/a-plane.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await cleanUp();
});

const KEY = 'k'.repeat(64);
const HOUR = 3_600_000;

const tokenFor = async (number: number, { key = KEY, endsIn = HOUR, address = `10.100.1.${number}` } = {}) =>
  await signAgentToken({ worker: `worker-${number}`, fleet: 'home', generation: 'mabcdef1', address }, key, {
    issuedAt: new Date(),
    certificateEnd: new Date(Date.now() + endsIn),
  });

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
};

const STATUS = { payload: { case: 'status', value: { nodeId: 'ip-10-0-0-1', health: 1 } } } as const;

describe('an agent', () => {
  it('registers, opens its stream and is seen', async () => {
    const { grpcPort, plane, get } = await aPlane();
    const agent = new TestAgent(grpcPort);

    expect(await agent.register()).toMatchObject({
      ...{ accepted: true, assignedId: 'ip-10-0-0-1', heartbeatIntervalSec: 30, statusIntervalSec: 30 },
    });
    await agent.join();

    expect((await get('/api/v1/nodes/ip-10-0-0-1')).json).toMatchObject({ connected: true, stream_active: true });
    agent.hangUp();
    await until(() => plane.fleet.get('ip-10-0-0-1')?.stream === undefined, 'a closed stream');
    expect((await get('/api/v1/nodes/ip-10-0-0-1')).json).toMatchObject({ connected: false, state: 'online' });
  });

  it('hears from its heartbeat whether it has to register', async () => {
    const { grpcPort } = await aPlane();
    const agent = new TestAgent(grpcPort);

    expect(await agent.client.heartbeat({ nodeId: 'ip-10-0-0-1' })).toMatchObject({ ok: false });
    await agent.register();
    expect(await agent.client.heartbeat({ nodeId: 'ip-10-0-0-1' })).toMatchObject({ ok: true });
  });

  it('that did not register is sent back to do so', async () => {
    const { grpcPort } = await aPlane();
    const agent = new TestAgent(grpcPort);
    agent.connect();
    agent.say(STATUS);

    const error = await until(() => agent.ended, 'the end');

    expect(ConnectError.from(error)).toMatchObject({ code: Code.FailedPrecondition });
  });

  it('that speaks for two nodes on one stream loses it', async () => {
    const { grpcPort } = await aPlane();
    const agent = new TestAgent(grpcPort);
    await agent.join(1);
    await agent.register(2);
    agent.say({ payload: { case: 'status', value: { nodeId: 'ip-10-0-0-2' } } });

    expect(ConnectError.from(await until(() => agent.ended, 'the end'))).toMatchObject({ code: Code.InvalidArgument });
  });

  it('that opens a second stream is told on the first', async () => {
    const { grpcPort, plane } = await aPlane();
    const [first, second] = [new TestAgent(grpcPort), new TestAgent(grpcPort)];
    await first.join();
    await second.join();

    expect(ConnectError.from(await until(() => first.ended, 'the end'))).toMatchObject({ code: Code.Unavailable });
    expect(plane.fleet.get('ip-10-0-0-1')).toMatchObject({ connected: true });
  });

  it('asks for the fleet, by type and health', async () => {
    const { grpcPort } = await aPlane();
    const agent = new TestAgent(grpcPort);
    await agent.join(1);
    await agent.register(2, { nodeType: 1 });

    const all = await agent.client.getFleetStatus({});
    const healthy = await agent.client.getFleetStatus({ nodeType: 2, health: 1 });

    expect(all.nodes.map(({ nodeId }) => nodeId)).toEqual(['ip-10-0-0-1', 'ip-10-0-0-2']);
    expect(healthy).toMatchObject({ nodes: [{ nodeId: 'ip-10-0-0-1', state: 'online' }], summary: { totalNodes: 1 } });
  });
});

describe('tokens', () => {
  const withKeys = async (environment: NodeJS.ProcessEnv = {}, keys = `${KEY}\n`) =>
    await aPlane({ AGENT_KEY_FILE: join(aFolder({ keys }), 'keys'), ...environment });

  it('open the door to whom they name', async () => {
    const { grpcPort, plane } = await withKeys();
    await new TestAgent(grpcPort, await tokenFor(1)).join();

    expect(plane.fleet.get('ip-10-0-0-1')?.record).toMatchObject({ proven: true, generation: 'mabcdef1' });
  });

  it.each([
    ['none', async () => undefined, 'Unauthenticated'],
    ['garbage', async () => 'garbage', 'Unauthenticated'],
    ['one of another key', async () => await tokenFor(1, { key: 'x'.repeat(64) }), 'Unauthenticated'],
    ['one that has run out', async () => await tokenFor(1, { endsIn: -48 * HOUR }), 'Unauthenticated'],
    ['one of another worker', async () => await tokenFor(2), 'PermissionDenied'],
    ['one of another address', async () => await tokenFor(1, { address: '10.100.1.2' }), 'PermissionDenied'],
  ])('%s: Register, Connect and Heartbeat are refused', async (_, make, expected) => {
    const { grpcPort } = await withKeys();
    await new TestAgent(grpcPort, await tokenFor(1)).register();
    const agent = new TestAgent(grpcPort, await make());

    expect(await codeOf(agent.register())).toBe(expected);
    expect(await codeOf(agent.client.heartbeat({ nodeId: 'ip-10-0-0-1' }, { headers: agent.headers }))).toBe(expected);
    agent.connect();
    agent.say(STATUS);
    expect(Code[ConnectError.from(await until(() => agent.ended, 'the end')).code]).toBe(expected);
  });

  it('without a signature are refused', async () => {
    const { grpcPort } = await withKeys();
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = part({
      iss: 'carrierarr',
      sub: 'worker-1',
      fleet: 'home',
      gen: 'mabcdef1',
      ip: '10.100.1.1',
      exp: 9e9,
    });
    const unsigned = `${part({ alg: 'none' })}.${claims}.`;
    const head = `${part({ alg: 'HS256' })}.${claims}`;
    const empty = `${head}.${createHmac('sha256', '').update(head).digest('base64url')}`;

    for (const token of [unsigned, empty])
      expect(await codeOf(new TestAgent(grpcPort, token).register())).toBe('Unauthenticated');
  });

  it('of the old key and of the new one are good while keys are changed', async () => {
    const { grpcPort } = await withKeys({}, `${'n'.repeat(64)}\n${KEY}\n`);

    expect(await codeOf(new TestAgent(grpcPort, await tokenFor(1)).register())).toBe('OK');
    expect(await codeOf(new TestAgent(grpcPort, await tokenFor(2, { key: 'n'.repeat(64) })).register(2))).toBe('OK');
  });

  it('are not asked of known agents where that is allowed', async () => {
    const { grpcPort } = await withKeys({ AGENTS_WITHOUT_TOKEN: 'allow' });

    expect(await codeOf(new TestAgent(grpcPort).register(1, { worker: '' }))).toBe('OK');
    expect(await codeOf(new TestAgent(grpcPort).register(2))).toBe('PermissionDenied');
  });

  it('are refused by a file without a usable key, which is said', async () => {
    const { grpcPort, lines } = await withKeys({}, 'short\n');

    expect(await codeOf(new TestAgent(grpcPort, await tokenFor(1)).register())).toBe('Unauthenticated');
    expect(lines).toContainEqual(expect.objectContaining({ event: 'agent keys', linesTooShort: [1] }));
  });

  it('are not asked for without a key file, which is said', async () => {
    const { grpcPort, lines } = await aPlane();

    expect(await codeOf(new TestAgent(grpcPort).register())).toBe('OK');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', event: 'agents need no token' }));
  });

  it('never come into the log', async () => {
    const { grpcPort, lines } = await withKeys();
    const token = await tokenFor(2);

    await codeOf(new TestAgent(grpcPort, token).register(1));

    expect(JSON.stringify(lines)).not.toContain(token.slice(20, 60));
  });
});

describe('the age of connections', () => {
  it('ends streams with a word, and the agent is back at once', async () => {
    const { grpcPort, plane } = await aPlane({
      CARRIERARR_MAX_CONNECTION_AGE: '300ms',
      CARRIERARR_CONNECTION_GRACE: '100ms',
    });
    const agent = new TestAgent(grpcPort);
    await agent.join();

    expect(ConnectError.from(await until(() => agent.ended, 'the end'))).toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringContaining('age'),
    });

    await new TestAgent(grpcPort).join();
    expect(plane.fleet.get('ip-10-0-0-1')).toMatchObject({ connected: true, record: { state: 'online' } });
  });

  it('is not for known agents, which never come back', async () => {
    const { grpcPort, plane } = await aPlane({
      CARRIERARR_MAX_CONNECTION_AGE: '150ms',
      CARRIERARR_CONNECTION_GRACE: '50ms',
    });
    const agent = new TestAgent(grpcPort);
    await agent.join(1, { agentVersion: '', worker: '' });

    await new Promise((resolve) => setTimeout(resolve, 400));

    expect(agent.ended).toBeUndefined();
    expect(plane.fleet.get('ip-10-0-0-1')).toMatchObject({ connected: true });
  });
});

/** A way that can be blocked without either end noticing. */
const aWay = async (target: number) => {
  const port = await freePort();
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connectTcp(target, '127.0.0.1');
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.pipe(upstream).pipe(client);
  }).listen(port, '127.0.0.1');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port,
    block: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
};

describe('a half-open connection', () => {
  it('is found by a ping that nobody answers', async () => {
    const { grpcPort, plane, lines } = await aPlane({
      CARRIERARR_PING_INTERVAL: '50ms',
      CARRIERARR_PING_TIMEOUT: '100ms',
    });
    const way = await aWay(grpcPort);
    await new TestAgent(way.port).join();

    way.block();

    await until(() => plane.fleet.get('ip-10-0-0-1')?.connected === false, 'a lost connection');
    expect(lines).toContainEqual(expect.objectContaining({ event: 'connection is half open' }));
  });

  it('leaves no listener behind for all its pings', async () => {
    const { grpcPort } = await aPlane({ CARRIERARR_PING_INTERVAL: '5ms' });
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.name);
    process.on('warning', note);
    closers.push(() => process.off('warning', note));
    await new TestAgent(grpcPort).join();

    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(warnings).not.toContain('MaxListenersExceededWarning');
  });
});

describe('a restart', () => {
  it('keeps the fleet, and open commands go out again to agents that know ids', async () => {
    const DATA_DIR = aFolder();
    const first = await aPlane({ DATA_DIR });
    const agent = new TestAgent(first.grpcPort);
    await agent.join();
    const body = { node_id: 'ip-10-0-0-1', type: 'DRAIN' };
    const { json } = await first.send('POST', '/api/v1/command', body, AUTHORIZED);
    await until(() => agent.received.length === 2, 'a command');

    await first.plane.close();
    expect(ConnectError.from(await until(() => agent.ended, 'the end'))).toMatchObject({ code: Code.Unavailable });
    const second = await aPlane({ DATA_DIR });
    expect((await second.get('/api/v1/nodes')).json).toMatchObject([
      { id: 'ip-10-0-0-1', state: 'online', connected: false },
    ]);

    const again = new TestAgent(second.grpcPort);
    await again.join();
    const command = await until(() => again.received[1], 'the command again');
    expect(command.payload.value).toMatchObject({ commandId: json.command_id });
  });

  it('may be asked for twice, and is done once', async () => {
    const { plane } = await aPlane();

    await Promise.all([plane.close(), plane.close()]);
    await plane.close();
  });

  it('onto a port that is taken says so, and leaves nothing open', async () => {
    const { grpcPort } = await aPlane();
    const httpPort = await freePort();
    const taken = { GRPC_ADDR: `127.0.0.1:${grpcPort}`, HTTP_ADDR: `127.0.0.1:${httpPort}` };

    await expect(aPlane(taken)).rejects.toThrow(/cannot listen for agents.*EADDRINUSE/);

    await aPlane({ HTTP_ADDR: `127.0.0.1:${httpPort}` });
  });
});

describe('what is no agent', () => {
  const stillThere = async (plane: Awaited<ReturnType<typeof aPlane>>) => {
    await new TestAgent(plane.grpcPort).join();
    expect((await plane.get('/ready')).status).toBe(200);
  };

  it.each([
    ['HTTP/1', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['nothing at all', ''],
    ['garbage', '\0\xff'.repeat(500)],
    ['a preface and garbage', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(200)}`],
  ])('%s harms nobody', async (_, bytes) => {
    const plane = await aPlane();
    const socket = connectTcp(plane.grpcPort, '127.0.0.1').on('error', () => {});
    closers.push(() => socket.destroy());
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.end(Buffer.from(bytes, 'latin1'));

    await stillThere(plane);
  });

  it.each([
    ['a path that is none', { ':path': '/x' }, ''],
    ['an authority that is none', { ':authority': 'a b%', ':path': '/ec2agent.v1.AgentControl/Register' }, ''],
    ['a frame that is cut', { ':path': '/ec2agent.v1.AgentControl/Connect' }, '\0\0\0\0\x10abc'],
    ['a frame of a gigabyte', { ':path': '/ec2agent.v1.AgentControl/Connect' }, '\0\x40\0\0\0'],
    ['a frame that is no message', { ':path': '/ec2agent.v1.AgentControl/Connect' }, '\0\0\0\0\x03\xff\xff\xff'],
    ['a compressed frame', { ':path': '/ec2agent.v1.AgentControl/Register' }, '\x01\0\0\0\x01x'],
  ])('%s harms nobody', async (_, headers, bytes) => {
    const plane = await aPlane();
    const session = connect(`http://127.0.0.1:${plane.grpcPort}`).on('error', () => {});
    closers.push(() => session.destroy());
    const call = session.request({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', ...headers });
    const ended = new Promise((resolve) => call.on('error', () => {}).once('close', resolve));
    call.resume().end(Buffer.from(bytes, 'latin1'));
    await ended;

    await stillThere(plane);
  });

  it('a call that is reset in the middle harms nobody', async () => {
    const plane = await aPlane();
    const agent = new TestAgent(plane.grpcPort);
    await agent.join();
    const session = connect(`http://127.0.0.1:${plane.grpcPort}`).on('error', () => {});
    closers.push(() => session.destroy());
    for (let count = 0; count < 10; count += 1) {
      const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
      const call = session.request({ ...headers, ':path': '/ec2agent.v1.AgentControl/Connect' }).on('error', () => {});
      call.write(Buffer.from('\0\0\0', 'latin1'));
      call.close(constants.NGHTTP2_CANCEL);
    }

    agent.drop();
    await until(() => plane.plane.fleet.get('ip-10-0-0-1')?.connected === false, 'a lost connection');
    await stillThere(plane);
  });
});
