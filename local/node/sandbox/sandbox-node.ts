import { passToAws } from '../aws-door.ts';
import { createMetadataService, type MetadataService } from '../imds.ts';
import type { NodeCommand, NodeCommandResult, NodeSpec, RunningNode } from '../host.ts';
import { Cell, type CellOptions } from './cell.ts';
import type { BootUnit, FromAgent, Headers } from './program/protocol.ts';

/** Port on every node's loopback behind which AWS answers. */
const AWS_PORT = 4566;

export interface SandboxNodeOptions {
  readonly spec: NodeSpec;
  readonly cell: CellOptions;
  readonly boot: BootUnit;
  /** Environment of everything on the node beside the AWS endpoint. */
  readonly environment: Readonly<Record<string, string>>;
  /** Connects the standing cell to a network before anything runs in it; its host process id is handed over. */
  readonly connect: (pid: number) => Promise<void>;
  /** Removes what the node leaves behind in its directory. */
  readonly cleanUp: () => Promise<void>;
}

interface Waiting {
  resolve(result: NodeCommandResult): void;
  reject(error: Error): void;
}

/** A node in a cell of namespaces: answers for its metadata service, passes its AWS calls on, hands it commands. */
export class SandboxNode implements RunningNode {
  readonly registered: Promise<void>;
  readonly #options: SandboxNodeOptions;
  readonly #metadata: MetadataService;
  readonly #cell: Cell;
  readonly #waiting = new Map<string, Waiting>();
  readonly #arrived = Promise.withResolvers<void>();
  #stopping: Promise<void> | undefined;
  #alive = true;

  constructor(options: SandboxNodeOptions) {
    this.#options = options;
    this.#metadata = createMetadataService(options.spec);
    this.#cell = new Cell(options.cell, (message) => this.#hear(message));
    this.registered = this.#arrived.promise;
    // Nobody has to await the registration of a node that is stopped before it.
    this.registered.catch(() => undefined);
    void this.#cell.ended.then(() => this.#died());
  }

  async run(command: NodeCommand): Promise<NodeCommandResult> {
    if (!this.#alive) throw this.#gone();
    const waiting = Promise.withResolvers<NodeCommandResult>();
    this.#waiting.set(command.commandId, waiting);
    const { commandId, script, environment, timeoutSeconds } = command;
    this.#cell.send({ type: 'run', commandId, script, environment, timeoutSeconds });
    return await waiting.promise;
  }

  async cancel(commandId: string): Promise<void> {
    this.#cell.send({ type: 'cancel', commandId });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#cell.end().then(this.#options.cleanUp);
    return this.#stopping;
  }

  #gone(): Error {
    return new Error(
      `node ${this.#options.spec.instanceId} is gone; see console.log in ${this.#options.spec.directory}`,
    );
  }

  #died(): void {
    this.#alive = false;
    this.#arrived.reject(this.#gone());
    for (const { reject } of this.#waiting.values()) reject(this.#gone());
    this.#waiting.clear();
  }

  #hear(message: FromAgent): void {
    switch (message.type) {
      case 'ready':
        void this.#start();
        break;
      case 'registered':
        this.#arrived.resolve();
        break;
      case 'console':
        this.#cell.log(message.text);
        break;
      case 'report': {
        const { status, exitCode, stdout, stderr } = message;
        this.#waiting.get(message.commandId)?.resolve({ status, exitCode, stdout, stderr });
        this.#waiting.delete(message.commandId);
        break;
      }
      case 'request':
        void this.#answer(message);
        break;
    }
  }

  async #start(): Promise<void> {
    const { spec, boot, environment, connect } = this.#options;
    try {
      await connect(this.#cell.pid);
    } catch (error) {
      this.#cell.log(`host: no network: ${String(error)}\n`);
      await this.#cell.end();
      return;
    }
    const aws = { AWS_ENDPOINT_URL: `http://127.0.0.1:${AWS_PORT}`, AWS_REGION: spec.region };
    this.#cell.send({
      type: 'start',
      instanceId: spec.instanceId,
      environment: { ...environment, ...aws },
      awsPort: AWS_PORT,
      boot,
    });
  }

  async #answer(request: Extract<FromAgent, { type: 'request' }>): Promise<void> {
    const { status, headers, body } = request.door === 'imds' ? this.#imds(request) : await this.#aws(request);
    this.#cell.send({ type: 'answer', id: request.id, status, headers, body: body.toString('base64') });
  }

  #imds({ method, path, headers }: Extract<FromAgent, { type: 'request' }>) {
    const named = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
    const answer = this.#metadata({ method, path, headers: named });
    const pairs: Headers = Object.entries(answer.headers ?? {});
    return { status: answer.status, headers: pairs, body: Buffer.from(answer.body) };
  }

  #aws({ method, path, headers, body }: Extract<FromAgent, { type: 'request' }>) {
    const { awsEndpoint } = this.#options.spec;
    return passToAws(awsEndpoint, { method, path, headers, body: Buffer.from(body, 'base64') });
  }
}
