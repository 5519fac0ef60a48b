import { type Clock, systemClock } from '#shared/clock.ts';
import type { LocalNodeHost, NodeCommand, NodeCommandResult, NodeSpec, RunningNode } from '../host.ts';
import { type BootVerdict, playBoot, type ReadSecret, secretReader } from './boot.ts';
import { playedHomelab } from './homelab.ts';
import { playStep, stepOf } from './steps.ts';

export interface PlayedHostOptions {
  readonly reason: string;
  readonly clock?: Clock;
  /** @default - the real call to `spec.awsEndpoint` */
  readonly readSecret?: (spec: NodeSpec) => ReadSecret;
  /** @default 300 */
  readonly registrationMilliseconds?: number;
}

const CANCELLED: NodeCommandResult = { status: 'Cancelled', exitCode: 137, stdout: '', stderr: '' };
const POLL_MILLISECONDS = 100;

class PlayedNode implements RunningNode {
  readonly registered: Promise<void>;
  readonly #clock: Clock;
  readonly #open = new Set<string>();
  #verdict: BootVerdict | undefined;
  #stopped = false;

  constructor(spec: NodeSpec, options: PlayedHostOptions) {
    this.#clock = options.clock ?? systemClock;
    this.registered = this.#register(options.registrationMilliseconds ?? 300);
    // Nobody has to await the registration of a node that is stopped before it.
    this.registered.catch(() => undefined);
    void this.#boot(spec, (options.readSecret ?? secretReader)(spec));
  }

  async #register(milliseconds: number): Promise<void> {
    await this.#clock.sleep(milliseconds);
    if (this.#stopped) throw new Error('the node was stopped before its agent registered');
  }

  async #boot(spec: NodeSpec, readSecret: ReadSecret): Promise<void> {
    this.#verdict = await playBoot(spec, { readSecret, clock: this.#clock, stopped: () => this.#stopped });
  }

  async run(command: NodeCommand): Promise<NodeCommandResult> {
    this.#open.add(command.commandId);
    if (stepOf(command) === 'await-boot') await this.#awaitVerdict(command);
    const wanted = this.#open.delete(command.commandId);
    if (this.#stopped || !wanted) return CANCELLED;
    const { rc, line } = playStep(command, this.#verdict);
    return { status: rc === 0 ? 'Success' : 'Failed', exitCode: rc, stdout: `${line}\n`, stderr: '' };
  }

  async #awaitVerdict(command: NodeCommand): Promise<void> {
    const limitSeconds = Number(command.environment.SSM_LimitSeconds ?? command.timeoutSeconds);
    const deadline = this.#clock.now().getTime() + limitSeconds * 1000;
    const waiting = () => this.#verdict === undefined && !this.#stopped && this.#open.has(command.commandId);
    while (waiting() && this.#clock.now().getTime() < deadline) await this.#clock.sleep(POLL_MILLISECONDS);
  }

  async cancel(commandId: string): Promise<void> {
    this.#open.delete(commandId);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
  }
}

/**
 * A host that executes nothing: for machines on which no sandbox can be had. It registers, fetches the worker's secret
 * as the boot program would, and answers steps by the contract; every answer says `"played": true`.
 */
export const createPlayedHost = (options: PlayedHostOptions): LocalNodeHost => {
  const nodes = new Set<RunningNode>();
  return {
    kind: 'played',
    reason: options.reason,
    async start(spec) {
      const node = new PlayedNode(spec, options);
      nodes.add(node);
      return node;
    },
    async close() {
      await Promise.all([...nodes].map((node) => node.stop()));
      nodes.clear();
    },
    ...playedHomelab,
  };
};
