import { connect, constants } from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../../local/process/free-port.ts';
import { until } from '../../../support/eventually.ts';
import { aHolder } from '../../../support/x509.ts';
import { aFolder, aPlane, cleanUp, TestAgent } from '../support/a-plane.ts';

const closers: (() => unknown)[] = [];
/** Ages and limits of connections are reached when a test says so. */
const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0)) close();
  await cleanUp();
});

describe('the age of connections', () => {
  beforeEach(holdTimers);

  it('ends streams with a word, and the agent is back at once', async () => {
    const { grpcPort, plane } = await aPlane({
      CARRIERARR_MAX_CONNECTION_AGE: '30s',
      CARRIERARR_CONNECTION_GRACE: '1h',
    });
    const agent = new TestAgent(grpcPort);
    await agent.join();
    // With what is random in it.
    vi.advanceTimersByTime(33_000);

    expect(ConnectError.from(await until('the end', () => agent.ended))).toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringContaining('age'),
    });

    await new TestAgent(grpcPort).join();
    expect(plane.fleet.get('ip-10-0-0-1')).toMatchObject({ connected: true, record: { state: 'online' } });
  });

  it('is not for agents that we did not write, which never come back', async () => {
    const { grpcPort, plane } = await aPlane({ CARRIERARR_MAX_CONNECTION_AGE: '30s' });
    const agent = new TestAgent(grpcPort);
    await agent.join(1, { agentVersion: '', worker: '' });
    vi.advanceTimersByTime(33_000);

    // Over the same connection, which would end before the answer.
    expect((await agent.client.heartbeat({ nodeId: 'ip-10-0-0-1' })).ok).toBe(true);
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
  beforeEach(holdTimers);

  it('is found by a ping that nobody answers', async () => {
    const { grpcPort, plane, lines } = await aPlane({
      CARRIERARR_PING_INTERVAL: '60s',
      CARRIERARR_PING_TIMEOUT: '20s',
    });
    const way = await aWay(grpcPort);
    await new TestAgent(way.port).join();

    way.block();
    vi.advanceTimersByTime(80_000);

    await until('a lost connection', () => plane.fleet.get('ip-10-0-0-1')?.connected === false);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'connection is half open' }));
  });

  it('leaves no listener behind for all its pings', async () => {
    const { grpcPort } = await aPlane({ CARRIERARR_PING_INTERVAL: '1s', CARRIERARR_PING_TIMEOUT: '1h' });
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.name);
    process.on('warning', note);
    closers.push(() => process.off('warning', note));
    const agent = new TestAgent(grpcPort);
    await agent.join();

    for (let pings = 0; pings < 40; pings += 1) {
      vi.advanceTimersByTime(1_000);
      // Over the same connection, so that answers come in the meantime.
      await agent.client.heartbeat({ nodeId: 'ip-10-0-0-1' });
    }

    expect(warnings).not.toContain('MaxListenersExceededWarning');
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
    await until('a lost connection', () => plane.plane.fleet.get('ip-10-0-0-1')?.connected === false);
    await stillThere(plane);
  });
});

describe('a control plane that ends', () => {
  it('waits for nobody who opened TCP and never spoke TLS', async () => {
    const { certificate, key } = aHolder('control-plane');
    const files = aFolder({ 'tls.crt': certificate, 'tls.key': key });
    const { grpcPort, plane } = await aPlane({
      GRPC_TLS_CERT_FILE: join(files, 'tls.crt'),
      GRPC_TLS_KEY_FILE: join(files, 'tls.key'),
    });
    const mute = connectTcp(grpcPort, '127.0.0.1').on('error', () => {});
    closers.push(() => mute.destroy());
    await new Promise((resolve) => mute.once('connect', resolve));

    const began = performance.now();
    await plane.close();

    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
