import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../local/process/free-port.ts';
import { until } from '../../../support/eventually.ts';
import { AUTHORIZED, aFolder, aPlane, cleanUp, TestAgent } from '../support/a-plane.ts';

afterEach(cleanUp);

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
    await until('a closed stream', () => plane.fleet.get('ip-10-0-0-1')?.stream === undefined);
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

    const error = await until('the end', () => agent.ended);

    expect(ConnectError.from(error)).toMatchObject({ code: Code.FailedPrecondition });
  });

  it('that speaks for two nodes on one stream loses it', async () => {
    const { grpcPort } = await aPlane();
    const agent = new TestAgent(grpcPort);
    await agent.join(1);
    await agent.register(2);
    agent.say({ payload: { case: 'status', value: { nodeId: 'ip-10-0-0-2' } } });

    expect(ConnectError.from(await until('the end', () => agent.ended))).toMatchObject({ code: Code.InvalidArgument });
  });

  it('that opens a second stream is told on the first', async () => {
    const { grpcPort, plane } = await aPlane();
    const [first, second] = [new TestAgent(grpcPort), new TestAgent(grpcPort)];
    await first.join();
    await second.join();

    expect(ConnectError.from(await until('the end', () => first.ended))).toMatchObject({ code: Code.Unavailable });
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

describe('a restart', () => {
  it('keeps the fleet, and open commands go out again to agents that know ids', async () => {
    const DATA_DIR = aFolder();
    const first = await aPlane({ DATA_DIR });
    const agent = new TestAgent(first.grpcPort);
    await agent.join();
    const body = { node_id: 'ip-10-0-0-1', type: 'DRAIN' };
    const { json } = await first.send('POST', '/api/v1/command', body, AUTHORIZED);
    await until('a command', () => agent.received.length === 2);

    await first.plane.close();
    expect(ConnectError.from(await until('the end', () => agent.ended))).toMatchObject({ code: Code.Unavailable });
    const second = await aPlane({ DATA_DIR });
    expect((await second.get('/api/v1/nodes')).json).toMatchObject([
      { id: 'ip-10-0-0-1', state: 'online', connected: false },
    ]);

    const again = new TestAgent(second.grpcPort);
    await again.join();
    const command = await until('the command again', () => again.received[1]);
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
