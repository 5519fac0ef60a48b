import { spawn, spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/process/free-port.ts';
import { until } from '../../support/eventually.ts';
import { aDoor, aServer, talk } from './support.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const controlPlane = async (): Promise<number> => {
  const port = await freePort();
  const server = await aServer('127.0.0.1', port, (socket) => socket.pipe(socket));
  cleanUps.push(() => server.close());
  return port;
};

const forwarding = async (target: number, overrides: NodeJS.ProcessEnv = {}) => {
  const port = await freePort();
  const door = await aDoor({
    DOOR_FORWARD_PORT: String(port),
    DOOR_FORWARD_TO: `localhost:${target}`,
    ...overrides,
  });
  cleanUps.push(door.close);
  return { door, port };
};

describe('the way to the control plane', () => {
  it('is open to workers', async () => {
    const { port, door } = await forwarding(await controlPlane());

    const agent = talk(port, 'register', { host: '127.9.0.1', localAddress: '127.9.2.1' });
    await agent.until(/^register$/);
    agent.socket.end();

    expect(await agent.ended).toBe('end');
    expect(await door.until('closed')).toMatchObject({ kind: 'forward', source: '127.9.2.1', bytesUp: 8 });
  });

  it('is closed to everybody else', async () => {
    const { port, door } = await forwarding(await controlPlane());

    const stranger = talk(port, 'register', { host: '127.9.0.1', localAddress: '127.0.0.1' });

    expect(await stranger.ended).toBe('reset');
    expect(await door.until('refused')).toMatchObject({ reason: '127.0.0.1 is no mesh address' });
  });

  it('resets an agent while no control plane answers', async () => {
    const { port, door } = await forwarding(await freePort());

    const agent = talk(port, 'register', { host: '127.9.0.1', localAddress: '127.9.2.1' });

    expect(await agent.ended).toBe('reset');
    expect(await door.until('refused')).toMatchObject({ reason: 'nothing listens there (ECONNREFUSED)' });
  });

  it('opens as soon as another process lets go of the port', async () => {
    const port = await freePort();
    const other = await aServer('127.9.0.1', port, () => {});
    const target = await controlPlane();
    const { door } = await forwarding(target, { DOOR_FORWARD_PORT: String(port) });
    expect(await door.until('waiting')).toMatchObject({ reason: 'EADDRINUSE' });

    other.close();
    await until('the forward', () => door.lines.filter(({ event }) => event === 'listening').length === 2);
    const agent = talk(port, 'x', { host: '127.9.0.1', localAddress: '127.9.2.1' });

    await agent.until(/^x$/);
    agent.socket.destroy();
  });
});

describe('the program', () => {
  it('says what is wrong with its environment and ends with 1', () => {
    const { status, stdout } = spawnSync(process.execPath, ['homelab/mesh-door/main.ts'], {
      env: {},
      encoding: 'utf8',
    });

    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ level: 'error', event: 'unusable' });
    expect(stdout).toContain('DOOR_SOURCES: missing');
  });

  it('ends with 0 on SIGTERM', async () => {
    const env = {
      DOOR_HOST_ADDRESS: '127.0.0.1',
      DOOR_PROXY_PORT: String(await freePort()),
      DOOR_SOURCES: '127.0.0.0/16',
    };
    const child = spawn(process.execPath, ['homelab/mesh-door/main.ts'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));

    child.kill('SIGTERM');

    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  });
});
