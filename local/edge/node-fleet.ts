import { join } from 'node:path';
import type { NodeHost, RunningNode } from '../node/host.ts';
import type { InstanceLife } from './ec2/api.ts';
import type { Instance } from './ec2/instance.ts';
import type { Ec2Model } from './ec2/model.ts';
import type { FaultBox } from './fault-box.ts';
import type { Agent } from './ssm/api.ts';
import { type Command, endAs, endWith } from './ssm/command.ts';
import type { AcceptedCommand, SsmModel } from './ssm/model.ts';

export interface NodeFleetSettings {
  readonly region: string;
  /** Parent of the nodes' own directories. */
  readonly directory: string;
  readonly awsEndpoint: () => string;
  /** Milliseconds from launch until the machine starts to boot. */
  readonly bootDelayMs: number;
  readonly log: (line: string) => void;
}

interface Entry {
  readonly instance: Instance;
  running: RunningNode | undefined;
  ended: boolean;
}

const INTERNAL_ERROR = 'Server.InternalError';
const SPOT_INTERRUPTION = 'Server.SpotInstanceTermination: Spot instance termination';
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Ties the emulated instances to the nodes that play them: boots, registers, runs commands, ends. */
export class NodeFleet implements InstanceLife, Agent {
  readonly #host: NodeHost;
  readonly #ec2: Ec2Model;
  readonly #ssm: SsmModel;
  readonly #faults: FaultBox;
  readonly #settings: NodeFleetSettings;
  readonly #entries = new Map<string, Entry>();
  readonly #open = new Set<Promise<void>>();

  constructor(host: NodeHost, ec2: Ec2Model, ssm: SsmModel, faults: FaultBox, settings: NodeFleetSettings) {
    this.#host = host;
    this.#ec2 = ec2;
    this.#ssm = ssm;
    this.#faults = faults;
    this.#settings = settings;
  }

  /** Starts the node once, however often the same launch is answered. */
  launched(instance: Instance): void {
    if (this.#entries.has(instance.instanceId)) return;
    const entry: Entry = { instance, running: undefined, ended: false };
    this.#entries.set(instance.instanceId, entry);
    this.#track(this.#boot(entry));
  }

  terminated(instance: Instance): void {
    const entry = this.#entries.get(instance.instanceId);
    if (entry === undefined || entry.ended) return;
    entry.ended = true;
    this.#ssm.disconnect(instance.instanceId);
    if (entry.running !== undefined) this.#track(entry.running.stop());
  }

  deliver(accepted: AcceptedCommand): void {
    this.#track(this.#run(accepted));
  }

  cancel(command: Command): void {
    const running = this.#entries.get(command.instanceId)?.running;
    if (running === undefined) endAs(command, 'Cancelled', Date.now());
    else this.#track(running.cancel(command.commandId));
  }

  /** What is running, for inspection. */
  list(): { instanceId: string; kind: string; directory: string; ended: boolean }[] {
    return [...this.#entries.values()].map(({ instance, ended }) => ({
      instanceId: instance.instanceId,
      kind: this.#host.kind,
      directory: this.#directory(instance),
      ended,
    }));
  }

  /** Ends every node and waits for what is still under way. The host itself belongs to whoever made it. */
  async close(): Promise<void> {
    for (const { instance } of this.#entries.values()) this.terminated(instance);
    await Promise.allSettled([...this.#open]);
  }

  async #boot(entry: Entry): Promise<void> {
    const { instance } = entry;
    const silent = this.#strikes(instance.instanceId, 'register', ['never-online']).length > 0;
    await sleep(this.#settings.bootDelayMs);
    if (entry.ended) return;
    const running = await this.#start(instance);
    if (running === undefined) return;
    entry.running = running;
    if (entry.ended) return await running.stop();
    await running.registered;
    if (!entry.ended && !silent) this.#ssm.register(instance.instanceId, instance.privateIp);
  }

  /** A machine that cannot be started is terminated by EC2, which says that it was not the caller's fault. */
  async #start(instance: Instance): Promise<RunningNode | undefined> {
    try {
      return await this.#host.start(this.#spec(instance));
    } catch (error) {
      this.#settings.log(`node ${instance.instanceId} did not start: ${message(error)}`);
      this.#ec2.terminate(instance.instanceId, `${INTERNAL_ERROR}: ${message(error)}`);
      this.terminated(instance);
      return undefined;
    }
  }

  async #run(accepted: AcceptedCommand): Promise<void> {
    const { command, document, variables } = accepted;
    const [effect] = this.#strikes(command.instanceId, document.step, ['exit', 'command-status', 'vanish']);
    if (effect?.kind === 'vanish') return this.#vanish(command.instanceId);
    if (effect?.kind === 'command-status') return endAs(command, effect.status, Date.now());
    this.#ssm.markStarted(command);
    if (effect?.kind === 'exit') {
      const end = { status: 'Failed', exitCode: effect.code, stdout: effect.output, stderr: '' } as const;
      return endWith(command, end, Date.now());
    }
    const running = this.#entries.get(command.instanceId)?.running;
    if (running === undefined) return;
    const result = await running.run({
      commandId: command.commandId,
      step: document.step,
      script: document.script,
      environment: variables,
      timeoutSeconds: document.timeoutSeconds,
    });
    // Nobody hears the end of a script whose machine is gone.
    if (this.#entries.get(command.instanceId)?.ended === true) return;
    endWith(command, result, Date.now());
  }

  #vanish(instanceId: string): void {
    this.#ec2.terminate(instanceId, SPOT_INTERRUPTION);
    this.terminated(this.#ec2.require(instanceId));
  }

  /** A fault's `match` is looked for in the instance's id and tags, so that it can be meant for one worker. */
  #strikes<K extends 'never-online' | 'exit' | 'command-status' | 'vanish'>(
    instanceId: string,
    action: string,
    kinds: readonly K[],
  ) {
    const tags = this.#entries.get(instanceId)?.instance.tags ?? {};
    return this.#faults.strike({ service: 'node', action, body: JSON.stringify({ instanceId, ...tags }) }, kinds);
  }

  #directory(instance: Instance): string {
    return join(this.#settings.directory, instance.instanceId);
  }

  #spec(instance: Instance) {
    const { instanceId, arn, instanceType, availabilityZone, privateIp, publicIp, imageId, userData, tags } = instance;
    return {
      instanceId,
      instanceArn: arn,
      instanceType,
      region: this.#settings.region,
      availabilityZone,
      privateIp,
      publicIp,
      imageId,
      userData,
      tags,
      directory: this.#directory(instance),
      awsEndpoint: this.#settings.awsEndpoint(),
    };
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#settings.log(`node: ${message(error)}`))
      .finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }
}
