import type { NodeCommand, NodeCommandResult, RunningNode } from '../host.ts';
import { Cell, type CellOptions } from './cell.ts';
import type { FromAgent, FromHost, StartOrder } from './program/protocol.ts';

export type DoorQuestion = Extract<FromAgent, { type: 'request' }>;
export type DoorReply = Omit<Extract<FromHost, { type: 'answer' }>, 'type' | 'id'>;

export interface CellNodeOptions {
  /** For messages, e.g. the instance id. */
  readonly name: string;
  readonly cell: CellOptions;
  readonly order: StartOrder;
  /** Answers what programs on the node ask of the metadata service and of AWS. */
  readonly answer: (question: DoorQuestion) => Promise<DoorReply>;
  /** Connects the standing cell to a network before anything runs in it; its host process id is handed over. */
  readonly connect: (pid: number) => Promise<void>;
  /** Removes what the node leaves behind in its directory. */
  readonly cleanUp: () => Promise<void>;
}

interface Waiting {
  resolve(result: NodeCommandResult): void;
  reject(error: Error): void;
}

/** A node in a cell of namespaces: hears its agent, answers at its doors, hands it commands. */
export class CellNode implements RunningNode {
  readonly registered: Promise<void>;
  readonly #options: CellNodeOptions;
  readonly #cell: Cell;
  readonly #waiting = new Map<string, Waiting>();
  readonly #arrived = Promise.withResolvers<void>();
  #stopping: Promise<void> | undefined;
  #alive = true;

  constructor(options: CellNodeOptions) {
    this.#options = options;
    this.#cell = new Cell(options.cell, (message) => this.#hear(message));
    this.registered = this.#arrived.promise;
    // Nobody has to await the registration of a node that is stopped before it.
    this.registered.catch(() => undefined);
    void this.#cell.ended.then(() => this.#died());
  }

  /** Host process id of the cell's head. */
  get pid(): number {
    return this.#cell.pid;
  }

  async run(command: NodeCommand): Promise<NodeCommandResult> {
    // A command waits for the agent, as Systems Manager holds one back for an instance that is not yet online.
    await this.registered;
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
    const { name, cell } = this.#options;
    return new Error(`node ${name} is gone; its last words are in ${cell.directory}/console.log`);
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
        void this.#reply(message);
        break;
    }
  }

  async #start(): Promise<void> {
    try {
      await this.#options.connect(this.#cell.pid);
      this.#cell.send({ type: 'start', ...this.#options.order });
    } catch (error) {
      this.#cell.log(`host: no network: ${String(error)}\n`);
      await this.#cell.end();
    }
  }

  async #reply(question: DoorQuestion): Promise<void> {
    try {
      this.#cell.send({ type: 'answer', id: question.id, ...(await this.#options.answer(question)) });
    } catch (error) {
      this.#cell.log(`host: ${question.method} ${question.path}: ${String(error)}\n`);
      this.#cell.send({ type: 'answer', id: question.id, status: 500, headers: [], body: '' });
    }
  }
}
