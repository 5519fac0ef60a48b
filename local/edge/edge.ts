import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { NodeHost } from '../node/host.ts';
import { adminRouter } from './admin.ts';
import { Answers } from './answers.ts';
import { DEFAULT_TIMES, type Ec2Times } from './ec2/instance.ts';
import { Ec2Model } from './ec2/model.ts';
import { FaultBox } from './fault-box.ts';
import { Forwarder } from './forward.ts';
import { NodeFleet } from './node-fleet.ts';
import { type ApiCall, describeCall } from './protocol/call.ts';
import { AwsRefusal } from './protocol/refusal.ts';
import { type Reply, refusalReply } from './protocol/reply.ts';
import { Recording } from './recording.ts';
import { Sessions } from './rolesanywhere/sessions.ts';
import { Activations } from './ssm/activations.ts';
import { type EnrolRequest, enrol } from './ssm/enrol.ts';
import { type Registration, SsmModel } from './ssm/model.ts';
import { Upstream } from './upstream.ts';

export interface EdgeOptions {
  /** Address of the emulator behind the edge. */
  readonly upstream: string;
  readonly region: string;
  readonly accountId: string;
  readonly host: NodeHost;
  /** The instance a node's access key id belongs to; undefined for any other key. */
  readonly instanceOf: (accessKeyId: string) => string | undefined;
  /** Parent of the nodes' directories. */
  readonly directory: string;
  readonly times?: Ec2Times;
  /** Milliseconds during which a command just sent has no invocation yet. */
  readonly invocationDelayMs?: number;
  readonly log: (line: string) => void;
}

const DEFAULT_INVOCATION_DELAY_MS = 300;
/** Longer than any SDK keeps an idle connection, so that it is never the edge that hangs up first. */
const KEEP_ALIVE_MS = 75_000;
/** Services whose requests may be large and are none of the edge's business: never read, only passed on. */
const STREAMED = ['s3', 'unknown'];

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const write = (response: ServerResponse, reply: Reply): void => {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) });
  response.end(reply.body);
};

/**
 * The front door of the embedded cloud: everything passes through to the emulator untouched, except what the emulator
 * does not play well enough (Run Command, the life of an instance) and what a test wants to fail.
 */
export class Edge {
  readonly faults = new FaultBox();
  readonly recording = new Recording();
  readonly ec2: Ec2Model;
  readonly ssm: SsmModel;
  readonly activations: Activations;
  readonly nodes: NodeFleet;
  readonly sessions: Sessions;
  readonly #server: Server;
  readonly #forwarder: Forwarder;
  readonly #upstream: Upstream;
  readonly #answers: Answers;
  readonly #admin: (method: string, path: string, body: string) => Reply;
  readonly #log: (line: string) => void;
  readonly #account: Pick<EdgeOptions, 'region' | 'accountId'>;

  constructor(options: EdgeOptions) {
    const now = () => Date.now();
    const times = options.times ?? DEFAULT_TIMES;
    this.#log = options.log;
    this.#account = { region: options.region, accountId: options.accountId };
    this.ec2 = new Ec2Model({ region: options.region, accountId: options.accountId, times, now });
    this.ssm = new SsmModel({ invocationDelayMs: options.invocationDelayMs ?? DEFAULT_INVOCATION_DELAY_MS, now });
    this.activations = new Activations(now);
    this.nodes = new NodeFleet(options.host, this.ec2, this.ssm, this.faults, {
      region: options.region,
      directory: options.directory,
      bootDelayMs: times.pendingMs,
      awsEndpoint: () => this.url,
      log: options.log,
      announce: (event) => this.#upstream.announce(event),
    });
    this.sessions = new Sessions({ region: options.region, accountId: options.accountId, now });
    this.#upstream = new Upstream(options.upstream, options.region);
    this.#forwarder = new Forwarder(options.upstream);
    this.#answers = new Answers(this, this.#upstream, options.instanceOf);
    this.#admin = adminRouter(this);
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#fail(response, error));
    });
  }

  /** @throws AwsRefusal InvalidActivation */
  enrol(request: Pick<EnrolRequest, 'activationId' | 'activationCode' | 'ipAddress'>): Registration {
    return enrol(this.activations, { ...request, ...this.#account });
  }

  /** Listens on a free port of the loopback interface. */
  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(0, '127.0.0.1', resolve);
    await promise;
  }

  get url(): string {
    const address = this.#server.address() as AddressInfo | null;
    return `http://127.0.0.1:${address?.port ?? 0}`;
  }

  /** Ends every node, then stops listening. */
  async close(): Promise<void> {
    await this.nodes.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
    this.#forwarder.close();
    this.#upstream.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    if (url.startsWith('/_edge/')) {
      write(response, this.#admin(method, url, (await buffer(request)).toString('utf8')));
      return;
    }
    const { service } = describeCall(method, url, headers, '');
    const body = STREAMED.includes(service) ? undefined : await buffer(request);
    const text = body?.toString('utf8') ?? '';
    const call = describeCall(method, url, headers, text);
    const effects = this.faults.strike({ service: call.service, action: call.action, body: text }, [
      'error',
      'delay',
      'lost-answer',
    ]);
    for (const effect of effects) {
      if (effect.kind === 'delay') await sleep(effect.milliseconds);
      if (effect.kind === 'error') {
        this.#answer(response, call, refusalReply(call, new AwsRefusal(effect.code, effect.message, effect.status)));
        return;
      }
    }
    const lost = effects.some(({ kind }) => kind === 'lost-answer');
    await this.#proceed({ request, response, call, body, lost });
  }

  async #proceed(exchange: {
    request: IncomingMessage;
    response: ServerResponse;
    call: ApiCall;
    body: Buffer | undefined;
    lost: boolean;
  }): Promise<void> {
    const { request, response, call, body, lost } = exchange;
    const { method = '', url: path = '', headers } = request;
    const reply = await this.#answers.answer(call, { method, path, headers, body: body?.toString('utf8') ?? '' });
    if (reply !== undefined && !lost) {
      this.#answer(response, call, reply);
      return;
    }
    const answer = reply === undefined ? await this.#forwarder.send(request, body) : undefined;
    this.recording.add(call.service, call.action, answer?.statusCode ?? 200);
    if (lost) {
      answer?.resume();
      response.destroy();
    } else if (answer !== undefined) {
      await this.#forwarder.relay(answer, response);
    }
  }

  #answer(response: ServerResponse, call: ApiCall, reply: Reply): void {
    this.recording.add(call.service, call.action, reply.status);
    write(response, reply);
  }

  #fail(response: ServerResponse, error: unknown): void {
    this.#log(`edge: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    write(response, {
      status: 502,
      headers: { 'content-type': 'text/plain' },
      body: 'the edge could not reach the emulator',
    });
  }
}
