import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { SERVICE } from './contract.ts';
import { FRAME, frameBytes, PREFACE } from './frames.ts';
import { peerEncode } from './peer-types.ts';

/** Bytes without meaning, the same in each run. */
export function noise(length: number): Buffer {
  let state = 0x2545_f491;
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

const SETTINGS = frameBytes(FRAME.settings, 0, 0, Buffer.alloc(0));
const HEADERS_ENDED = 4;

/** Each stream opened is taken back at once: thousands in one connection. */
function rapidReset(): Buffer {
  const cancel = Buffer.from([0, 0, 0, 8]);
  // `:method: POST`, `:scheme: http`, `:path: /` by their numbers in HPACK's table.
  const headers = Buffer.from([0x83, 0x86, 0x84]);
  const pairs = Array.from({ length: 5_000 }, (_, index) => [
    frameBytes(FRAME.headers, HEADERS_ENDED, 2 * index + 1, headers),
    frameBytes(FRAME.reset, 0, 2 * index + 1, cancel),
  ]);
  return Buffer.concat([PREFACE, SETTINGS, ...pairs.flat()]);
}

/** What may arrive at the port without being HTTP/2, or not for long. */
export const BROKEN_CONNECTIONS: Readonly<Record<string, Buffer>> = {
  noise: noise(65_536),
  'a request of HTTP/1': Buffer.from('GET /health HTTP/1.1\r\nHost: 10.100.0.1\r\n\r\n'),
  'a greeting of TLS': Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), noise(500)]),
  'half of a preface': PREFACE.subarray(0, 11),
  'noise after the preface': Buffer.concat([PREFACE, noise(65_536)]),
  'a frame larger than agreed': Buffer.concat([PREFACE, SETTINGS, frameBytes(FRAME.data, 0, 1, noise(100_000))]),
  'data of a stream that nobody opened': Buffer.concat([PREFACE, SETTINGS, frameBytes(FRAME.data, 0, 7, noise(10))]),
  'headers that are no HPACK': Buffer.concat([
    PREFACE,
    SETTINGS,
    frameBytes(FRAME.headers, HEADERS_ENDED, 1, Buffer.from('ffffffffffffffff7f', 'hex')),
  ]),
  'a frame cut in the middle': Buffer.concat([
    PREFACE,
    SETTINGS,
    frameBytes(FRAME.headers, 0, 1, noise(400)).subarray(0, 90),
  ]),
  'streams opened and taken back without end': rapidReset(),
};

/** Sends bytes and waits a moment for what comes; closes if the other side does not. @returns bytes received */
export async function throwAt(port: number, bytes: Buffer, patienceMs = 100): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    const timer = setTimeout(() => socket.resetAndDestroy(), patienceMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.write(bytes);
  });
  return Buffer.concat(chunks);
}

/** One message as gRPC frames it. */
export function grpcFrame(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** A request that is HTTP/2, but not quite gRPC. */
export interface BrokenCall {
  readonly headers?: OutgoingHttpHeaders;
  readonly method?: string;
  readonly body: Buffer;
  /** Takes the stream back instead of ending it. */
  readonly reset?: boolean;
}

const heartbeat = peerEncode('HeartbeatRequest', { node_id: 'broken' });
// Field 1 with wire type 7, which there is not.
const noProtobuf = Buffer.from([0x0f, 0xff, 0xff]);
const status = peerEncode('AgentMessage', { status: { node_id: 'broken', uptime_seconds: '1' } });

/** What may arrive over HTTP/2 without being a message of ours. Larger than any limit: 64 MiB announced, or sent. */
export const BROKEN_CALLS: Readonly<Record<string, BrokenCall>> = {
  'another content type': { headers: { 'content-type': 'text/plain' }, body: grpcFrame(heartbeat) },
  'no content type': { headers: { 'content-type': undefined }, body: grpcFrame(heartbeat) },
  'a service that there is not': { method: '/ec2agent.v2.AgentControl/Heartbeat', body: grpcFrame(heartbeat) },
  'a call that there is not': { method: `/${SERVICE}/Shutdown`, body: grpcFrame(heartbeat) },
  GET: { headers: { ':method': 'GET' }, body: Buffer.alloc(0) },
  'no message': { body: Buffer.alloc(0) },
  'half of a prefix': { body: Buffer.from([0, 0]) },
  'a message cut short': { body: grpcFrame(heartbeat, 0, heartbeat.length + 10) },
  'two messages where one is due': { body: Buffer.concat([grpcFrame(heartbeat), grpcFrame(heartbeat)]) },
  'bytes that are no protobuf': { body: grpcFrame(noProtobuf) },
  'text that is no UTF-8': { body: grpcFrame(Buffer.from([0x0a, 2, 0xff, 0xfe])) },
  'a message that says it is compressed': { body: grpcFrame(heartbeat, 1) },
  'a message of 4 GiB, as it says': { body: grpcFrame(heartbeat, 0, 0xffff_ffff) },
  'a message of 16 MiB': { body: grpcFrame(Buffer.concat([Buffer.from([0x0a, 0x80, 0x80, 0x80, 8]), noise(2 ** 24)])) },
  'a stream taken back': { method: `/${SERVICE}/Connect`, body: grpcFrame(status), reset: true },
  'a stream cut within a message': { method: `/${SERVICE}/Connect`, body: grpcFrame(status, 0, 1_000), reset: true },
  'a stream of bytes that are no protobuf': {
    method: `/${SERVICE}/Connect`,
    body: Buffer.concat([grpcFrame(status), grpcFrame(noProtobuf)]),
  },
  'a stream that starts without a status': {
    method: `/${SERVICE}/Connect`,
    body: grpcFrame(peerEncode('AgentMessage', { log: { message: 'who am I' } })),
  },
  'a stream of an empty message': { method: `/${SERVICE}/Connect`, body: grpcFrame(Buffer.alloc(0)) },
};

/** Sends one broken request over a connection of its own. @returns gRPC status or HTTP status, whatever tells more */
export async function sendBroken(port: number, call: BrokenCall, patienceMs: number): Promise<string> {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const outcome = await new Promise<string>((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': call.method ?? `/${SERVICE}/Heartbeat`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...call.headers,
    });
    const timer = setTimeout(() => resolve('silence'), patienceMs);
    const done = (text: string): void => {
      clearTimeout(timer);
      resolve(text);
    };
    let http = '';
    stream.on('response', (headers) => {
      http = `http ${headers[':status']}`;
      if (headers['grpc-status'] !== undefined) done(`grpc ${headers['grpc-status']}`);
    });
    stream.on('trailers', (trailers) => done(`grpc ${trailers['grpc-status']}`));
    stream.on('error', () => done(http || 'reset'));
    stream.on('close', () => done(http || 'closed'));
    stream.resume();
    if (call.headers?.[':method'] === 'GET') stream.end();
    else if (call.reset === true) stream.write(call.body, () => setTimeout(() => stream.close(8), 20));
    else stream.end(call.body);
  });
  session.destroy();
  return outcome;
}
