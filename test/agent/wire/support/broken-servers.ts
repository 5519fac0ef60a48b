import { createServer as createHttp2, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { FRAME, frameBytes } from './frames.ts';
import { grpcFrame, noise } from './malformed.ts';
import { peerEncode } from './peer-types.ts';

const SETTINGS = frameBytes(FRAME.settings, 0, 0, Buffer.alloc(0));
/** Last stream 0, error code 11: ENHANCE_YOUR_CALM. */
const CALM = frameBytes(FRAME.goaway, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 11]));
const HTML = '<html><body>Bad gateway</body></html>';

/** What may listen at the control plane's address without being one; told by what it does with a connection. */
const SOCKETS: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes at once': (socket) => socket.end(),
  'resets at once': (socket) => socket.resetAndDestroy(),
  'never says a word': () => undefined,
  'talks HTTP/1': (socket) => socket.end(`HTTP/1.1 502 Bad Gateway\r\ncontent-length: ${HTML.length}\r\n\r\n${HTML}`),
  'talks noise': (socket) => socket.write(noise(65_536)),
  'talks noise after its settings': (socket) => socket.write(Buffer.concat([SETTINGS, noise(65_536)])),
  'says GOAWAY at once': (socket) => socket.write(Buffer.concat([SETTINGS, CALM])),
};

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const grpc = { ':status': 200, 'content-type': 'application/grpc' };

/** Answers with one body and, unless told otherwise, the trailers of success. */
const answers =
  (body: Buffer, trailers: Record<string, string> | undefined = { 'grpc-status': '0' }): Answer =>
  (stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  };

const accepted = peerEncode('RegisterResponse', { accepted: true });

/** The same, by what is answered to each request of HTTP/2. */
const STREAMS: Readonly<Record<string, Answer>> = {
  'never answers': () => undefined,
  'answers with a web page': (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/html' });
    stream.end(HTML);
  },
  'answers 404': (stream) => {
    stream.respond({ ':status': 404 });
    stream.end(HTML);
  },
  'answers with bytes that are no protobuf': answers(grpcFrame(Buffer.from([0x0f, 0xff]))),
  'answers with a message cut short': answers(grpcFrame(accepted, 0, 100)),
  'answers with 16 MiB': answers(grpcFrame(Buffer.concat([Buffer.from([0x12, 0x80, 0x80, 0x80, 8]), noise(2 ** 24)]))),
  'announces 4 GiB': answers(grpcFrame(accepted, 0, 0xffff_ffff)),
  'answers without a message': answers(Buffer.alloc(0)),
  'answers without a status': answers(grpcFrame(accepted), {}),
  'answers UNAVAILABLE': answers(Buffer.alloc(0), { 'grpc-status': '14', 'grpc-message': 'not%20now' }),
  'answers UNAUTHENTICATED': answers(Buffer.alloc(0), { 'grpc-status': '16' }),
  'answers with a status that there is not': answers(Buffer.alloc(0), { 'grpc-status': 'what' }),
  'accepts, and breaks the stream off': (stream, headers) => {
    if (headers[':path']?.endsWith('/Register')) answers(grpcFrame(accepted))(stream, headers);
    else stream.close(2);
  },
};

/** Names of all that is no control plane. */
export const BROKEN_SERVERS = [...Object.keys(SOCKETS), ...Object.keys(STREAMS)];

/** A server that is no control plane, and counts who comes. */
export class BrokenServer {
  connections = 0;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(name: string) {
    const onSocket = SOCKETS[name];
    const onStream = STREAMS[name];
    if (onSocket !== undefined) this.#server = createServer(onSocket);
    else if (onStream !== undefined) this.#server = this.#http2(onStream);
    else throw new Error(`no broken server ${name}`);
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
  }

  #http2(answer: Answer): Server {
    const server = createHttp2();
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      stream.resume();
      answer(stream, headers);
    });
    return server;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('a broken server listens on a port');
    this.port = address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}
