import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../support/eventually.ts';
import { PeerAgent } from './support/peer-agent.ts';
import { KNOWN_REPLY, PeerControlPlane } from './support/peer-control-plane.ts';
import { STRIKES_ALLOWED } from './support/ping-policy.ts';
import { sample } from './support/samples.ts';
import { Wiretap } from './support/wiretap.ts';

/** The tests beside this one believe what the peers say; here they are held against each other. */
describe('the peers that contract tests use', () => {
  let plane: PeerControlPlane;
  let tap: Wiretap;

  beforeEach(async () => {
    plane = new PeerControlPlane();
    await plane.listen();
    tap = new Wiretap(() => plane.port);
    await tap.listen();
  });

  afterEach(async () => {
    plane.close();
    await tap.close();
  });

  it('say and hear all calls and both ways of the stream', async () => {
    const agent = new PeerAgent(`127.0.0.1:${tap.port}`);
    const registered = await agent.register(sample('RegisterRequest'));
    const stream = agent.connect();
    stream.send(sample('AgentMessage', 'usual', 'log'));
    const accepted = await until('a stream', () => plane.streams[0]?.received.length === 1 && plane.streams[0]);
    accepted.send(sample('ControlMessage'));
    await until('a command', () => stream.received.length === 1);
    agent.close();

    expect(registered).toEqual(KNOWN_REPLY);
    expect(plane.registrations[0]?.message).toMatchObject(sample('RegisterRequest'));
    expect(accepted.received).toMatchObject([sample('AgentMessage', 'usual', 'log')]);
    expect(stream.received).toMatchObject([sample('ControlMessage')]);
  });

  it('notice pings that come too often', async () => {
    const agent = new PeerAgent(`127.0.0.1:${tap.port}`, {
      'grpc.keepalive_time_ms': 20,
      'grpc.keepalive_permit_without_calls': 1,
    });
    agent.connect();
    await until('strikes', () => (tap.connections[0]?.policy.worst ?? 0) > STRIKES_ALLOWED);
    agent.close();
  });

  it('can freeze a connection so that neither side learns of it, and let new ones through', async () => {
    const agent = new PeerAgent(`127.0.0.1:${tap.port}`);
    await agent.heartbeat({ node_id: 'before' });
    tap.freeze();
    const lost = agent.heartbeat({ node_id: 'lost' });
    lost.catch(() => undefined);
    await until('the loss', () => tap.swallowed > 0);
    tap.thaw();
    const other = new PeerAgent(`127.0.0.1:${tap.port}`);
    await other.heartbeat({ node_id: 'after' });
    agent.close();
    other.close();

    expect(plane.heartbeats.map((call) => call.message.node_id)).toEqual(['before', 'after']);
    expect(plane.streams).toHaveLength(0);
  });
});
