/**
 * A process with many simulated agents, for measurements: node simulated-fleet.ts ADDRESS FIRST COUNT INTERVAL_MS
 *
 * Tells its parent over IPC four times a second how many are up, and how long the heartbeats since took. Agents all start
 * at once.
 */
import { SimulatedAgent } from './simulated-agent.ts';

/** What a fleet's process tells. */
export interface FleetReport {
  readonly up: number;
  /** Connections registered since the start. */
  readonly connections: number;
  /** Milliseconds of each heartbeat since the last report. */
  readonly heartbeats: readonly number[];
}

const REPORT_MS = 250;
const MOST_BACK_OFF_MS = 30_000;

const [address = '', first = '0', count = '0', interval = '30000'] = process.argv.slice(2);
const heartbeats: number[] = [];
const agents = Array.from(
  { length: Number(count) },
  (_, index) =>
    new SimulatedAgent({
      address,
      index: Number(first) + index,
      heartbeatMs: Number(interval),
      statusMs: Number(interval),
      mostBackOffMs: MOST_BACK_OFF_MS,
      onHeartbeat: (milliseconds) => heartbeats.push(milliseconds),
    }),
);

const report = (): FleetReport => ({
  up: agents.filter((agent) => agent.up).length,
  connections: agents.reduce((sum, agent) => sum + agent.connections, 0),
  heartbeats: heartbeats.splice(0),
});

setInterval(() => process.send?.(report()), REPORT_MS);
process.on('disconnect', () => process.exit(0));
await Promise.all(agents.map((agent) => agent.run()));
