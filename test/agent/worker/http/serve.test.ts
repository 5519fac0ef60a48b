import { createServer } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, it } from 'vitest';
import {
  HealthState,
  type NodeStatus,
  NodeStatusSchema,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { Hearing } from '../../../../agent/worker/connection/hearing.ts';
import { serveHttp } from '../../../../agent/worker/http/serve.ts';
import { newTally } from '../../../../agent/worker/tally.ts';
import { freePort } from '../../../../local/process/free-port.ts';
import { until } from '../../../support/eventually.ts';
import { FakeClock } from '../support/clocks.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const STATUS = create(NodeStatusSchema, {
  health: HealthState.DEGRADED,
  idleSeconds: 40n,
  resources: { cpuPercent: 12.5, memoryUsedMb: 2n },
  gpus: [{ index: 0, name: 'Tesla "T4"', utilizationPercent: 87, memoryUsedMb: 1n, temperatureC: 61 }],
  loadedModels: [{ name: 'llama3:8b', currentlyLoaded: true }],
});

const served = async (latest?: NodeStatus) => {
  const nebulaIp = '127.9.2.1';
  const clock = new FakeClock();
  const hearing = new Hearing(clock);
  const tally = newTally();
  const events: string[] = [];
  const healthPort = await freePort();
  const statuses = { latest };
  const listener = serveHttp({ nebulaIp, healthPort }, { hearing, tally, statuses }, (_, event) => events.push(event));
  cleanUps.push(listener.stop);
  const get = async (path: string, init: RequestInit = {}, host = nebulaIp) => {
    const response = await fetch(`http://${host}:${healthPort}${path}`, init);
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
  };
  return { clock, hearing, tally, events, listener, healthPort, get, up: () => until('http', listener.listening) };
};

describe('/health', () => {
  it('turns 503 once nothing was heard for two minutes, and back with the next word', async () => {
    const { clock, hearing, get, up } = await served();
    await up();
    await clock.advance(119_000);
    const early = await get('/health');
    clock.setWall('2030-01-01T00:00:00Z');
    const afterJump = await get('/health');
    await clock.advance(1000);
    const late = await get('/health');
    hearing.heard();
    const again = await get('/health');

    expect([early, afterJump, late, again].map(({ status }) => status)).toEqual([200, 200, 503, 200]);
    expect(JSON.parse(late.body)).toEqual({
      status: 'unreachable',
      control_plane: 'not connected yet',
      silent_seconds: 120,
      last_status: null,
    });
  });
});

describe('/ready', () => {
  it('is whether the agent is connected', async () => {
    const { hearing, get, up } = await served();
    await up();
    const before = await get('/ready');
    hearing.turned(true, 'connected to 10.100.0.1:50051');
    const after = await get('/ready');

    expect([before.status, after.status]).toEqual([503, 200]);
    expect(JSON.parse(after.body)).toEqual({ ready: true, control_plane: 'connected to 10.100.0.1:50051' });
  });
});

describe('/metrics', () => {
  it('tells of agent and node, as they are at that moment', async () => {
    const { hearing, tally, get, up } = await served(STATUS);
    await up();
    hearing.turned(true, 'connected');
    tally.losses = 3;
    await get('/metrics');
    tally.losses = 4;

    const { status, type, body } = await get('/metrics');

    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const lines = body.split('\n');
    expect(lines).toContain('carrierarr_agent_connected 1');
    expect(lines).toContain('carrierarr_agent_losses_total 4');
    expect(lines).toContain('carrierarr_node_healthy 0.5');
    expect(lines).toContain('carrierarr_node_idle_seconds 40');
    expect(lines).toContain('carrierarr_node_memory_used_bytes 2097152');
    expect(lines).toContain('carrierarr_node_gpu_utilization_percent{gpu="0",name="Tesla \\"T4\\""} 87');
    expect(lines).toContain('carrierarr_node_model_loaded{model="llama3:8b"} 1');
  });

  it('says nothing of a node that nobody has looked at yet', async () => {
    const { get, up } = await served();
    await up();

    const { body } = await get('/metrics');

    expect(body).not.toMatch(/^carrierarr_node/m);
  });
});

describe('the routes', () => {
  it.each([
    ['/version', {}, 200],
    ['/health?verbose', {}, 200],
    ['/', {}, 404],
    ['/constructor', {}, 404],
    ['/health', { method: 'POST' }, 405],
  ])('answer %s %j with %i', async (path, init, status) => {
    const { get, up } = await served();
    await up();

    expect((await get(path, init)).status).toBe(status);
  });

  it('are on the mesh address alone', async () => {
    const { get, up } = await served();
    await up();

    await expect(get('/health', {}, '127.0.0.1')).rejects.toThrow();
  });

  it('are on this machine alone where there is no mesh address, and the log says so', async () => {
    const healthPort = await freePort();
    const events: string[] = [];
    const measured = { hearing: new Hearing(new FakeClock()), tally: newTally(), statuses: { latest: undefined } };
    const listener = serveHttp({ nebulaIp: undefined, healthPort }, measured, (_, event) => events.push(event));
    cleanUps.push(listener.stop);
    await until('http', listener.listening);

    expect((await fetch(`http://127.0.0.1:${healthPort}/health`)).status).toBe(200);
    await expect(fetch(`http://127.9.2.1:${healthPort}/health`)).rejects.toThrow();
    expect(events).toContain('no mesh address');
  });

  it('come as soon as the address can be had', async () => {
    const healthPort = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(healthPort, '127.9.2.1', resolve));
    const measured = { hearing: new Hearing(new FakeClock()), tally: newTally(), statuses: { latest: undefined } };
    const listener = serveHttp({ nebulaIp: '127.9.2.1', healthPort }, measured, () => {});
    cleanUps.push(listener.stop);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = listener.listening();

    await new Promise((resolve) => other.close(resolve));
    await until('http', listener.listening);

    expect(before).toBe(false);
  });
});
