import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { HealthState, type NodeStatus, NodeStatusSchema } from '../proto/generated/ec2agent/v1/agent_pb.js';
import { type Log, reasonOf } from '../shared/log.ts';
import { Bell } from './connection/bell.ts';
import type { Limits } from './connection/limits.ts';
import type { Vitals } from './connection/vitals.ts';
import { within } from './connection/within.ts';
import type { Live } from './live.ts';
import type { Clock, Reporter } from './ports.ts';
import type { Tally } from './tally.ts';

/** Reports that neither come nor fail; with as many nobody waits for the next, and systemd starts the agent anew. */
const MOST_HANGING = 10;

export interface StatusParts {
  readonly nodeId: string;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly live: Live;
  readonly vitals: Vitals;
  readonly tally: Tally;
  readonly log: Log;
}

/** Takes a status of the node at each interval, connected or not: metrics and idle shutdown need it too. */
export class Statuses {
  latest: NodeStatus | undefined;
  readonly #parts: StatusParts;
  readonly #bell = new Bell();
  readonly #listeners = new Set<(status: NodeStatus) => void>();
  #hanging = 0;
  #fault: string | undefined;

  constructor(parts: StatusParts) {
    this.#parts = parts;
    parts.live.onChange(() => this.soon());
  }

  /** Asks for a status now instead of at the next interval. */
  soon(): void {
    this.#bell.ring();
  }

  onStatus(listener: (status: NodeStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(stop: AbortSignal): Promise<void> {
    const { clock, limits, live, vitals } = this.#parts;
    while (!stop.aborted) {
      const milliseconds = live.values.statusSeconds * 1000;
      if (this.#hanging < MOST_HANGING)
        vitals.beat('status', limits.reportMs + limits.statusGapMs + milliseconds + limits.slackMs);
      const status = await this.take(limits.reportMs);
      if (stop.aborted) return;
      for (const listener of this.#listeners) listener(status);
      await clock.sleep(limits.statusGapMs, stop);
      await this.#bell.wait(clock, milliseconds - limits.statusGapMs, stop);
    }
  }

  /** One status, now. Never fails: a node that cannot be looked at is said to be just that, and not to be idle. */
  async take(limitMs: number): Promise<NodeStatus> {
    const { reporter, clock, tally, nodeId } = this.#parts;
    const ask = (): Promise<Awaited<ReturnType<Reporter['status']>>> => {
      this.#hanging += 1;
      return reporter.status().finally(() => {
        this.#hanging -= 1;
      });
    };
    tally.statuses += 1;
    try {
      if (this.#hanging >= MOST_HANGING) throw new Error(`${this.#hanging} reports hang`);
      const init = await within({ clock, milliseconds: limitMs, what: 'a status' }, ask);
      this.latest = create(NodeStatusSchema, { timestamp: timestampFromDate(clock.now()), ...init, nodeId });
      this.#sayFault(undefined);
    } catch (error) {
      tally.statusFailures += 1;
      this.#sayFault(reasonOf(error));
      this.latest = create(NodeStatusSchema, {
        nodeId,
        timestamp: timestampFromDate(clock.now()),
        health: HealthState.DEGRADED,
        busyWith: `unknown, the agent cannot look at its node: ${reasonOf(error)}`,
      });
    }
    return this.latest;
  }

  /** Once per change, not per status. */
  #sayFault(fault: string | undefined): void {
    if (fault === this.#fault) return;
    if (fault === undefined) this.#parts.log('info', 'status works again');
    else this.#parts.log('error', 'status failed', { reason: fault });
    this.#fault = fault;
  }
}
