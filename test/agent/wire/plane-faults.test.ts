import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/eventually.ts';
import { FRAME, frameBytes, PREFACE } from './support/frames.ts';
import { BROKEN_CALLS, BROKEN_CONNECTIONS, sendBroken, throwAt } from './support/malformed.ts';
import { OurControlPlane } from './support/our-control-plane.ts';
import { PeerAgent, type PeerStream } from './support/peer-agent.ts';

const WITNESS = 'witness';

/** How gRPC tells each fault; whatever is not named here ends without a word. */
const TOLD: Readonly<Record<string, string>> = {
  'another content type': 'http 415',
  'no content type': 'http 415',
  'a service that there is not': 'http 404',
  'a call that there is not': 'http 404',
  GET: 'http 405',
  'no message': 'grpc 12',
  'half of a prefix': 'grpc 3',
  'a message cut short': 'grpc 3',
  'two messages where one is due': 'grpc 12',
  'bytes that are no protobuf': 'grpc 13',
  'text that is no UTF-8': 'grpc 13',
  'a message that says it is compressed': 'grpc 13',
  'a message of 4 GiB, as it says': 'grpc 8',
  'a stream of bytes that are no protobuf': 'grpc 9',
  'a stream that starts without a status': 'grpc 0',
  'a stream of an empty message': 'grpc 0',
};

/** One control plane for all faults, and one agent that must not notice any of them. */
describe('our control plane', () => {
  let plane: OurControlPlane;
  let witness: PeerAgent;
  let stream: PeerStream;

  beforeAll(async () => {
    plane = await OurControlPlane.start();
    witness = new PeerAgent(`127.0.0.1:${plane.port}`);
    await witness.register({ node_id: WITNESS, nebula_ip: '10.100.0.5' });
    stream = witness.connect();
    stream.send({ status: { node_id: WITNESS, health: 1 } });
    await until('the witness', () => stream.received.length > 0);
  });

  afterAll(async () => {
    witness.close();
    await plane.close();
  });

  /** Over the connection and the stream that were there before. */
  async function witnessIsWell(): Promise<void> {
    const { id } = await plane.command(WITNESS, 'DRAIN');
    await until('a command', () =>
      stream.received.find(({ command }) => (command as { command_id?: string })?.command_id === id),
    );
    stream.send({ command_result: { command_id: id, success: true } });
    await until('its result', () =>
      plane.events.find(({ event, facts }) => event === 'command result' && facts.command === id),
    );
    expect((await witness.heartbeat({ node_id: WITNESS })).ok).toBe(true);
    expect(plane.fleet.list()).toHaveLength(1);
  }

  it.each(Object.keys(BROKEN_CONNECTIONS))('does not mind %s', async (name) => {
    await throwAt(plane.port, BROKEN_CONNECTIONS[name] ?? Buffer.alloc(0));
    await witnessIsWell();
  });

  it.each(Object.keys(BROKEN_CALLS))('does not mind %s', async (name) => {
    const call = BROKEN_CALLS[name];
    if (call === undefined) throw new Error(`no call ${name}`);
    const answer = await sendBroken(plane.port, call, TOLD[name] === undefined ? 1_000 : 15_000);
    await witnessIsWell();

    if (TOLD[name] !== undefined) expect(answer).toBe(TOLD[name]);
  });

  it('does not mind connections that never say anything, or never read', async () => {
    const sockets: Socket[] = Array.from({ length: 50 }, (_, index) => {
      const socket = connect(plane.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.pause();
      if (index % 2 === 0) socket.write(Buffer.concat([PREFACE, frameBytes(FRAME.settings, 0, 0, Buffer.alloc(0))]));
      return socket;
    });
    await witnessIsWell();
    for (const socket of sockets) socket.destroy();
  });

  it('wrote no stack and no message of what was sent into its log', () => {
    const faults = plane.events.filter(({ event }) => event.includes('failed'));
    expect(JSON.stringify(faults)).not.toMatch(/ {4}at |node_modules/);
    expect(plane.events.length).toBeLessThan(1_000);
  });
});
