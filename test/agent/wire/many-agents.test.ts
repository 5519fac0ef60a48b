import { describe, expect, it } from 'vitest';
import { until } from '../../support/eventually.ts';
import { Bench } from './support/bench.ts';
import { nodeIdOf, SimulatedAgent } from './support/simulated-agent.ts';

/** A hundred with the unit suite, a thousand with `npm run test:long`. */
const AGENTS = Number(process.env.CARRIERARR_TEST_AGENTS ?? 100);
const LIMIT_MS = 60_000 + 100 * AGENTS;
/** Agents and control plane share one process here, and that may have a tenth of a processor: few heartbeats a second. */
const HEARTBEAT_MS = Math.max(3_000, 10 * AGENTS);

/** Whether it works with many; what it costs is measured by scripts/measure-agents.ts. */
describe(`our control plane with ${AGENTS} agents`, () => {
  it(
    'takes them all at once, sends each a command, and has all of them back after a restart',
    async ({ onTestFinished }) => {
      const bench = new Bench(onTestFinished);
      const before = await bench.ourControlPlane();
      const { port } = before;
      const beats: number[] = [];
      const agents = Array.from(
        { length: AGENTS },
        (_, index) =>
          new SimulatedAgent({
            address: `127.0.0.1:${port}`,
            index,
            heartbeatMs: HEARTBEAT_MS,
            statusMs: 30_000,
            mostBackOffMs: 1_000,
            onHeartbeat: (milliseconds) => beats.push(milliseconds),
          }),
      );
      onTestFinished(() => {
        for (const agent of agents) agent.stop();
      });
      for (const agent of agents) void agent.run();
      const all = (plane: typeof before) =>
        until(
          'all streams',
          () => plane.fleet.list().filter(({ stream }) => stream !== undefined).length === AGENTS,
          LIMIT_MS,
        );
      await all(before);
      const { status } = await before.command('*', 'DRAIN');
      await until('all commands', () => agents.every(({ commands }) => commands === 1), LIMIT_MS);
      await before.close();
      const after = await bench.ourControlPlane({ port });
      await all(after);
      await until('heartbeats', () => beats.length > AGENTS, LIMIT_MS);

      expect(status).toBe(200);
      expect(after.fleet.get(nodeIdOf(AGENTS - 1))?.record.state).toBe('online');
      expect(new Set(after.fleet.list().map(({ record }) => record.nebulaIp)).size).toBe(AGENTS);
    },
    3 * LIMIT_MS,
  );
});
