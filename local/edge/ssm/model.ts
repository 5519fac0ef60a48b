import { randomUUID } from 'node:crypto';
import { AwsRefusal } from '../protocol/refusal.ts';
import { type Command, endAs, isFinal } from './command.ts';
import { bindParameters, type CommandDocument, parseDocument } from './documents.ts';

/** What registers: an instance of EC2, or a machine outside it by a hybrid activation. */
export interface Registration {
  readonly instanceId: string;
  readonly arn: string;
  readonly ipAddress: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Absent for an instance of EC2. */
  readonly hybrid?: { readonly activationId: string; readonly iamRole: string; readonly name: string };
}

export interface ManagedInstance extends Registration {
  readonly registeredAt: number;
  lastPingAt: number;
  pingStatus: 'Online' | 'ConnectionLost';
  tags: Readonly<Record<string, string>>;
}

export interface SsmSettings {
  /** Milliseconds during which a new command has no invocation yet, as on AWS. */
  readonly invocationDelayMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface SendRequest {
  readonly documentName: string;
  readonly instanceIds: readonly string[];
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly timeoutSeconds: number;
}

/** A command accepted, with what the node needs to run it. */
export interface AcceptedCommand {
  readonly command: Command;
  readonly document: CommandDocument;
  readonly variables: Readonly<Record<string, string>>;
}

const MIN_DELIVERY_SECONDS = 30;

/** Documents, managed instances and commands of Systems Manager. Runs nothing itself. */
export class SsmModel {
  readonly #settings: SsmSettings;
  readonly #documents = new Map<string, CommandDocument>();
  readonly #instances = new Map<string, ManagedInstance>();
  readonly #commands = new Map<string, Command>();

  constructor(settings: SsmSettings) {
    this.#settings = settings;
  }

  /** @throws AwsRefusal InvalidDocumentContent */
  putDocument(name: string, content: unknown): void {
    this.#documents.set(name, parseDocument(name, content));
  }

  /** @throws AwsRefusal InvalidDocument */
  document(name: string): CommandDocument {
    const document = this.#documents.get(name);
    if (document === undefined) throw new AwsRefusal('InvalidDocument', `Document with name ${name} does not exist.`);
    return document;
  }

  documents(): CommandDocument[] {
    return [...this.#documents.values()];
  }

  register(registration: Registration): void {
    const now = this.#settings.now();
    const { instanceId } = registration;
    this.#instances.set(instanceId, { ...registration, registeredAt: now, lastPingAt: now, pingStatus: 'Online' });
  }

  /** A machine outside EC2. @throws AwsRefusal InvalidResourceId */
  hybridInstance(instanceId: string): ManagedInstance {
    const instance = this.#instances.get(instanceId);
    if (instance?.hybrid !== undefined) return instance;
    throw new AwsRefusal('InvalidResourceId', `${instanceId} is no managed instance`);
  }

  /** @throws AwsRefusal InvalidInstanceId */
  deregister(instanceId: string): void {
    if (this.#instances.get(instanceId)?.hybrid === undefined) {
      throw new AwsRefusal('InvalidInstanceId', `Instance ${instanceId} is not registered by an activation`);
    }
    this.#instances.delete(instanceId);
  }

  /** The agent is gone. What ran there stays in progress until its time is up, as AWS never hears of its end. */
  disconnect(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance !== undefined) instance.pingStatus = 'ConnectionLost';
  }

  reconnect(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance !== undefined) Object.assign(instance, { pingStatus: 'Online', lastPingAt: this.#settings.now() });
  }

  instance(instanceId: string): ManagedInstance | undefined {
    return this.#instances.get(instanceId);
  }

  instances(): ManagedInstance[] {
    return [...this.#instances.values()];
  }

  /** @throws AwsRefusal InvalidDocument, InvalidParameters, InvalidInstanceId */
  send(request: SendRequest): AcceptedCommand {
    const document = this.document(request.documentName);
    const variables = bindParameters(document, request.parameters);
    const [instanceId, ...others] = request.instanceIds;
    if (instanceId === undefined || others.length > 0) {
      throw new AwsRefusal('InvalidInstanceId', 'the embedded cloud sends a command to exactly one instance');
    }
    if (this.#instances.get(instanceId)?.pingStatus !== 'Online') {
      throw new AwsRefusal('InvalidInstanceId', `Instances [[${instanceId}]] not in a valid state for account`);
    }
    if (request.timeoutSeconds < MIN_DELIVERY_SECONDS) {
      throw new AwsRefusal('ValidationException', `timeoutSeconds must be at least ${MIN_DELIVERY_SECONDS}`);
    }
    const command: Command = {
      commandId: randomUUID(),
      documentName: request.documentName,
      step: document.step,
      instanceId,
      parameters: request.parameters,
      timeoutSeconds: request.timeoutSeconds,
      requestedAt: this.#settings.now(),
      status: 'Pending',
      statusDetails: 'Pending',
      startedAt: undefined,
      endedAt: undefined,
      exitCode: -1,
      stdout: '',
      stderr: '',
    };
    this.#commands.set(command.commandId, command);
    return { command, document, variables };
  }

  markStarted(command: Command): void {
    if (isFinal(command) || command.status !== 'Pending') return;
    Object.assign(command, { status: 'InProgress', statusDetails: 'InProgress', startedAt: this.#settings.now() });
  }

  /** @throws AwsRefusal InvalidCommandId */
  command(commandId: string): Command {
    const command = this.#commands.get(commandId);
    if (command === undefined) throw new AwsRefusal('InvalidCommandId', `Command ${commandId} does not exist`);
    this.#expire(command);
    return command;
  }

  /** @throws AwsRefusal InvocationDoesNotExist, also for a moment after SendCommand */
  invocation(commandId: string, instanceId: string): Command {
    const command = this.#commands.get(commandId);
    const early =
      command !== undefined && this.#settings.now() < command.requestedAt + this.#settings.invocationDelayMs;
    if (command === undefined || command.instanceId !== instanceId || early) {
      throw new AwsRefusal('InvocationDoesNotExist', 'The command ID and managed node ID you specified did not match.');
    }
    this.#expire(command);
    return command;
  }

  commands(): Command[] {
    const all = [...this.#commands.values()];
    for (const command of all) this.#expire(command);
    return all;
  }

  /** True if the command was still open; the node then decides whether its end was a cancellation. */
  beginCancel(commandId: string): boolean {
    const command = this.command(commandId);
    if (isFinal(command)) return false;
    Object.assign(command, { status: 'Cancelling', statusDetails: 'Cancelling' });
    return true;
  }

  /** A command whose node is gone ends when delivery and execution time are over. */
  #expire(command: Command): void {
    const { now } = this.#settings;
    const gone = this.#instances.get(command.instanceId)?.pingStatus !== 'Online';
    const timeout = this.document(command.documentName).timeoutSeconds;
    const limit =
      command.startedAt === undefined
        ? command.requestedAt + command.timeoutSeconds * 1_000
        : command.startedAt + timeout * 1_000;
    if (gone && now() >= limit)
      endAs(command, command.startedAt === undefined ? 'DeliveryTimedOut' : 'TimedOut', now());
  }
}
