import type { Timeline } from '#contract';
import type { Clock } from '#shared/clock.ts';
import type { NodeCommand, NodeCommandResult, RunningNode } from '../host.ts';
import type { BootVerdict } from './boot.ts';
import type { NodeSecrets } from './secrets.ts';
import { playStep, stepOf } from './steps.ts';

export interface PlayedNodeOptions {
  readonly clock: Clock;
  readonly secrets: NodeSecrets;
  readonly registrationMilliseconds: number;
  readonly boot: (stopped: () => boolean) => Promise<BootVerdict>;
}

const CANCELLED: NodeCommandResult = { status: 'Cancelled', exitCode: 137, stdout: '', stderr: '' };
const POLL_MILLISECONDS = 100;

/** A node that executes nothing and says what its steps would say. */
export class PlayedNode implements RunningNode {
  readonly registered: Promise<void>;
  readonly #options: PlayedNodeOptions;
  readonly #open = new Set<string>();
  readonly #timeline: Timeline = [];
  #verdict: BootVerdict | undefined;
  #stopped = false;

  constructor(options: PlayedNodeOptions) {
    this.#options = options;
    this.registered = this.#register();
    // Nobody has to await the registration of a node that is stopped before it.
    this.registered.catch(() => undefined);
    void this.#boot();
  }

  async #register(): Promise<void> {
    await this.#options.clock.sleep(this.#options.registrationMilliseconds);
    if (this.#stopped) throw new Error('the node was stopped before its agent registered');
  }

  async #boot(): Promise<void> {
    this.#mark('boot-start');
    const verdict = await this.#options.boot(() => this.#stopped);
    this.#mark(`boot-${verdict.outcome}`);
    this.#verdict = verdict;
  }

  #mark(mark: string): void {
    this.#timeline.push({ at: this.#options.clock.now().getTime() / 1000, mark });
  }

  async run(command: NodeCommand): Promise<NodeCommandResult> {
    this.#open.add(command.commandId);
    const step = stepOf(command);
    if (step === 'await-boot') await this.#awaitVerdict(command);
    if (this.#stopped || !this.#open.has(command.commandId)) return CANCELLED;
    if (step === 'enter-service') this.#mark('in-service');
    const scene = { verdict: this.#verdict, timeline: this.#timeline, secrets: this.#options.secrets };
    const { rc, line } = await playStep(command, scene);
    const wanted = this.#open.delete(command.commandId);
    if (this.#stopped || !wanted) return CANCELLED;
    return { status: rc === 0 ? 'Success' : 'Failed', exitCode: rc, stdout: `${line}\n`, stderr: '' };
  }

  async #awaitVerdict(command: NodeCommand): Promise<void> {
    const { clock } = this.#options;
    const limitSeconds = Number(command.environment.SSM_LimitSeconds ?? command.timeoutSeconds);
    const deadline = clock.now().getTime() + limitSeconds * 1000;
    const waiting = () => this.#verdict === undefined && !this.#stopped && this.#open.has(command.commandId);
    while (waiting() && clock.now().getTime() < deadline) await clock.sleep(POLL_MILLISECONDS);
  }

  async cancel(commandId: string): Promise<void> {
    this.#open.delete(commandId);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
  }
}
