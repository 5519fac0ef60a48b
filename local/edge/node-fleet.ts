import { join } from 'node:path';
import { TAG } from '#contract';
import type { NodeHost, RunningNode, SpotNotice } from '../node/host.ts';
import type { InstanceLife } from './ec2/api.ts';
import type { Instance, Tags } from './ec2/instance.ts';
import type { Ec2Model } from './ec2/model.ts';
import type { FaultBox } from './fault-box.ts';
import { Link } from './link.ts';
import { AwsRefusal } from './protocol/refusal.ts';
import type { Agent } from './ssm/api.ts';
import { type Command, endAs, endWith } from './ssm/command.ts';
import type { AcceptedCommand, Registration, SsmModel } from './ssm/model.ts';

export interface NodeFleetSettings {
  readonly region: string;
  /** Parent of the nodes' own directories. */
  readonly directory: string;
  readonly awsEndpoint: () => string;
  /** Milliseconds from launch until the machine starts to boot. */
  readonly bootDelayMs: number;
  readonly log: (line: string) => void;
  /** Puts an event of EC2's on the account's default bus. */
  readonly announce: (event: { DetailType: string; Detail: string; Resources: string[] }) => Promise<void>;
}

/** A machine with an agent: started by EC2, or by the host where it stands outside EC2. */
interface Entry {
  readonly instanceId: string;
  readonly tags: () => Tags;
  readonly directory: string;
  readonly link: Link;
  readonly notices: SpotNotice[];
  running: RunningNode | undefined;
  ended: boolean;
}

/** What EC2 is to tell a Spot instance, and how long it waits then before it takes the instance. */
export interface Interruption {
  readonly instanceId: string;
  readonly kind: SpotNotice['kind'];
  readonly seconds: number;
}

const INTERNAL_ERROR = 'Server.InternalError';
const SPOT_INTERRUPTION = 'Server.SpotInstanceTermination: Spot instance termination';
const ANNOUNCEMENTS = {
  interruption: 'EC2 Spot Instance Interruption Warning',
  rebalance: 'EC2 Instance Rebalance Recommendation',
} as const;
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
    const entry = this.#enter(instance.instanceId, () => instance.tags, this.#directory(instance));
    this.#track(this.#boot(entry, instance));
  }

  terminated(instance: Instance): void {
    this.retire(instance.instanceId);
  }

  /** Ties a machine outside EC2 to Systems Manager once its agent is up. */
  async adopt(registration: Registration, running: RunningNode, directory: string): Promise<void> {
    await running.registered;
    const { instanceId, tags } = registration;
    const entry = this.#enter(instanceId, () => this.#ssm.instance(instanceId)?.tags ?? tags, directory);
    entry.running = running;
    this.#ssm.register(registration);
  }

  /** Ends a node for good. */
  retire(instanceId: string): void {
    const entry = this.#entries.get(instanceId);
    if (entry === undefined || entry.ended) return;
    entry.ended = true;
    entry.link.mend();
    this.#ssm.disconnect(instanceId);
    if (entry.running !== undefined) this.#track(entry.running.stop());
  }

  /** Cuts the lines of the machines outside EC2, or mends them; they themselves run on. */
  setHomelabOnline(online: boolean): void {
    for (const { instanceId, hybrid } of this.#ssm.instances()) {
      if (hybrid !== undefined) this.#setOnline(instanceId, online);
    }
  }

  /**
   * Tells a Spot instance that it is taken back, and takes it when the time has come; or recommends to leave it.
   * @throws AwsRefusal where there is no such Spot instance
   */
  interrupt({ instanceId, kind, seconds }: Interruption): void {
    const entry = this.#entries.get(instanceId);
    if (entry === undefined || entry.ended || this.#ec2.require(instanceId).market !== 'spot') {
      throw new AwsRefusal('InvalidParameterValue', `${instanceId} is no Spot instance that runs`);
    }
    this.#track(this.#announce(instanceId, kind));
    if (kind === 'rebalance') {
      entry.notices.push({ kind, time: new Date() });
      return;
    }
    entry.notices.push({ kind, action: 'terminate', time: new Date(Date.now() + seconds * 1000) });
    setTimeout(() => {
      if (!entry.ended) this.#vanish(instanceId);
    }, seconds * 1000).unref();
  }

  /** The account hears of it at the same time as the instance does. */
  #announce(instanceId: string, kind: SpotNotice['kind']): Promise<void> {
    const interruption = { 'instance-id': instanceId, 'instance-action': 'terminate' };
    return this.#settings.announce({
      DetailType: ANNOUNCEMENTS[kind],
      Detail: JSON.stringify(kind === 'interruption' ? interruption : { 'instance-id': instanceId }),
      Resources: [this.#ec2.require(instanceId).arn],
    });
  }

  /** The instance that a worker has now, if it has one. */
  instanceOf(worker: string): string | undefined {
    return [...this.#entries.values()].findLast(({ tags, ended }) => !ended && tags()[TAG.worker] === worker)
      ?.instanceId;
  }

  deliver(accepted: AcceptedCommand): void {
    this.#track(this.#run(accepted));
  }

  cancel(command: Command): void {
    const entry = this.#entries.get(command.instanceId);
    const running = entry?.running;
    if (running === undefined) endAs(command, 'Cancelled', Date.now());
    else this.#track(entry?.link.up().then(() => running.cancel(command.commandId)) ?? Promise.resolve());
  }

  /** What is running, for inspection. */
  list(): { instanceId: string; kind: string; directory: string; ended: boolean }[] {
    return [...this.#entries.values()].map(({ instanceId, directory, ended }) => ({
      instanceId,
      kind: this.#host.kind,
      directory,
      ended,
    }));
  }

  /** Ends every node and waits for what is still under way. The host itself belongs to whoever made it. */
  async close(): Promise<void> {
    for (const instanceId of this.#entries.keys()) this.retire(instanceId);
    await Promise.allSettled([...this.#open]);
  }

  #enter(instanceId: string, tags: () => Tags, directory: string): Entry {
    const entry: Entry = {
      instanceId,
      tags,
      directory,
      link: new Link(),
      notices: [],
      running: undefined,
      ended: false,
    };
    this.#entries.set(instanceId, entry);
    return entry;
  }

  async #boot(entry: Entry, instance: Instance): Promise<void> {
    const { instanceId, arn, privateIp: ipAddress } = instance;
    const silent = this.#strikes(instanceId, 'register', {}, ['never-online']).length > 0;
    await sleep(this.#settings.bootDelayMs);
    if (entry.ended) return;
    const running = await this.#start(instance);
    if (running === undefined) return;
    entry.running = running;
    if (entry.ended) return await running.stop();
    await running.registered;
    if (!entry.ended && !silent) this.#ssm.register({ instanceId, arn, ipAddress, tags: instance.tags });
  }

  /** A machine that cannot be started is terminated by EC2, which says that it was not the caller's fault. */
  async #start(instance: Instance): Promise<RunningNode | undefined> {
    try {
      return await this.#host.start(this.#spec(instance));
    } catch (error) {
      this.#settings.log(`node ${instance.instanceId} did not start: ${message(error)}`);
      this.#ec2.terminate(instance.instanceId, `${INTERNAL_ERROR}: ${message(error)}`);
      this.retire(instance.instanceId);
      return undefined;
    }
  }

  async #run(accepted: AcceptedCommand): Promise<void> {
    const { command, document, variables } = accepted;
    const { instanceId, commandId } = command;
    const [effect] = this.#strikes(instanceId, document.step, variables, ['exit', 'command-status', 'vanish']);
    if (effect?.kind === 'vanish') return this.#vanish(instanceId);
    if (effect?.kind === 'command-status') return endAs(command, effect.status, Date.now());
    const entry = this.#entries.get(instanceId);
    await entry?.link.up();
    this.#ssm.markStarted(command);
    if (effect?.kind === 'exit') {
      const end = { status: 'Failed', exitCode: effect.code, stdout: effect.output, stderr: '' } as const;
      return endWith(command, end, Date.now());
    }
    if (entry?.running === undefined) return;
    const result = await entry.running.run({
      commandId,
      step: document.step,
      script: document.script,
      environment: variables,
      timeoutSeconds: document.timeoutSeconds,
    });
    // An agent that lost its line tells the end once it has it back.
    await entry.link.up();
    // Nobody hears the end of a script whose machine is gone.
    if (!entry.ended) endWith(command, result, Date.now());
  }

  /** EC2 takes an instance away; elsewhere only the line breaks. */
  #vanish(instanceId: string): void {
    if (this.#ssm.instance(instanceId)?.hybrid !== undefined) {
      this.#setOnline(instanceId, false);
      return;
    }
    this.#ec2.terminate(instanceId, SPOT_INTERRUPTION);
    this.retire(instanceId);
  }

  #setOnline(instanceId: string, online: boolean): void {
    const link = this.#entries.get(instanceId)?.link;
    if (online) this.#ssm.reconnect(instanceId);
    else this.#ssm.disconnect(instanceId);
    if (online) link?.mend();
    else link?.cut();
  }

  /**
   * A fault's `match` is looked for in the instance's id and tags and in the command's variables, so that it can be
   * meant for one worker wherever a step for it runs.
   */
  #strikes<K extends 'never-online' | 'exit' | 'command-status' | 'vanish'>(
    instanceId: string,
    action: string,
    variables: Readonly<Record<string, string>>,
    kinds: readonly K[],
  ) {
    const tags = this.#entries.get(instanceId)?.tags() ?? {};
    const body = JSON.stringify({ instanceId, ...tags, ...variables });
    return this.#faults.strike({ service: 'node', action, body }, kinds);
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
      lifeCycle: instance.market,
      notices: () => [...(this.#entries.get(instanceId)?.notices ?? [])],
    };
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#settings.log(`node: ${message(error)}`))
      .finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }
}
