import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import type { Observation } from '../../../../agent/control-plane/fleet/observation.ts';
import { readSettings } from '../../../../agent/control-plane/settings.ts';
import { startControlPlane } from '../../../../agent/control-plane/start.ts';
import {
  AgentControl,
  type AgentMessageSchema,
  type ControlMessage,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { until } from '../../../support/eventually.ts';
import { registration } from './a-fleet.ts';

export const COMMAND_TOKEN = 'a-token-that-nobody-guesses';
export const AUTHORIZED = { authorization: `Bearer ${COMMAND_TOKEN}` };

const cleanUps: (() => unknown)[] = [];
/** To be called after each test. */
export const cleanUp = async (): Promise<void> => {
  for (const one of cleanUps.splice(0).reverse()) await one();
};

export const aFolder = (files: Readonly<Record<string, string>> = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), 'plane-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

/** A control plane on free ports of loopback, with everything in memory unless told. */
export const aPlane = async (environment: NodeJS.ProcessEnv = {}) => {
  const lines: { level: string; event: string; [fact: string]: unknown }[] = [];
  const observations: Observation[] = [];
  const files = aFolder({ token: `${COMMAND_TOKEN}\n` });
  const settings = readSettings([], {
    GRPC_ADDR: '127.0.0.1:0',
    HTTP_ADDR: '127.0.0.1:0',
    DATA_DIR: ':memory:',
    PAGE_DIR: join(files, 'no-page'),
    COMMAND_TOKEN_FILE: join(files, 'token'),
    ...environment,
  });
  const plane = await startControlPlane(settings, {
    log: (level, event, facts) => void lines.push({ level, event, ...facts }),
    observerFor: () => ({ observe: (observation) => void observations.push(observation) }),
    eventTimes: { gather: 10, tick: 50 },
  });
  cleanUps.push(() => plane.close());
  const url = `http://127.0.0.1:${plane.httpAddress.port}`;
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(url + path, { headers });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined };
  };
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: text }) });
    const words = await answer.text();
    return { status: answer.status, headers: answer.headers, json: words === '' ? undefined : JSON.parse(words) };
  };
  return { plane, url, get, send, lines, observations, grpcPort: plane.grpcAddress.port };
};

type Message = MessageInitShape<typeof AgentMessageSchema>;

/** An agent in the test's hand: every call is the test's. */
export class TestAgent {
  readonly session: Http2SessionManager;
  readonly client: Client<typeof AgentControl>;
  readonly received: ControlMessage[] = [];
  readonly headers: Record<string, string>;
  ended: unknown;
  #wake: (() => void) | undefined;
  readonly #outgoing: Message[] = [];
  #closed = false;

  constructor(port: number, token?: string) {
    const baseUrl = `http://127.0.0.1:${port}`;
    this.session = new Http2SessionManager(baseUrl);
    const transport: Transport = createGrpcTransport({ baseUrl, sessionManager: this.session });
    this.client = createClient(AgentControl, transport);
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    cleanUps.push(() => this.drop());
  }

  async register(number = 1, overrides: Parameters<typeof registration>[1] = {}) {
    return await this.client.register(registration(number, overrides), { headers: this.headers });
  }

  say(message: Message): void {
    this.#outgoing.push(message);
    this.#wake?.();
  }

  async *#messages(): AsyncGenerator<Message> {
    while (!this.#closed) {
      const next = this.#outgoing.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  /** Opens the stream; what comes is in `received`, and how it ended in `ended`. */
  connect(): void {
    const receive = async (): Promise<void> => {
      try {
        for await (const message of this.client.connect(this.#messages(), { headers: this.headers }))
          this.received.push(message);
        this.ended = 'end';
      } catch (error) {
        this.ended = error;
      }
    };
    void receive();
  }

  /** Registers, opens the stream and says how it is. */
  async join(number = 1, overrides: Parameters<typeof registration>[1] = {}): Promise<void> {
    await this.register(number, overrides);
    this.connect();
    this.say({ payload: { case: 'status', value: { nodeId: `ip-10-0-0-${number}`, health: 1 } } });
    await until('a receipt', () => this.received.length > 0);
  }

  /** Ends the stream in good order. */
  hangUp(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Cuts the connection. */
  drop(): void {
    this.hangUp();
    this.session.abort();
  }
}
