import type { FleetSettings } from '#contract';
import type { RemovalReason } from '../../../lambda/registry/port.ts';
import type { SweepPorts } from '../../../lambda/sweep/ports.ts';
import { sweepFleet } from '../../../lambda/sweep/sweep-fleet.ts';
import { FakeEc2 } from '../../fake/ec2.ts';
import { createSleepingClock } from '../../fake/ec2-clock.ts';
import { FakeSecrets } from '../../fake/ec2-secrets.ts';
import { createMemoryRegistry } from '../../fake/memory-registry.ts';
import { aReservedLife, launchFacts } from '../../fake/registry-builders.ts';
import { silentLog } from '../../support/silent-log.ts';
import { settings } from '../launch/builders.ts';

export const MINUTE_MS = 60_000;

/** An empty fleet, and what a test needs to fill it. */
export const aFleet = (overrides: Partial<FleetSettings> = {}) => {
  const clock = createSleepingClock();
  const registry = createMemoryRegistry({ clock });
  const ec2 = new FakeEc2(clock);
  const secrets = new FakeSecrets(clock);
  const parameters = new Map<string, string>();
  const statuses = new Map<string, 'open' | 'closed' | 'unknown'>();
  const teardowns: string[] = [];
  const removals: RemovalReason[] = [];
  const ports: SweepPorts = {
    ec2,
    secrets,
    registry,
    clock,
    log: silentLog,
    settings: settings(overrides),
    parameters: { find: async (name) => parameters.get(name) },
    executions: { status: async (arn) => statuses.get(arn) ?? 'open' },
    startTeardown: async ({ name, generation }, why) => {
      removals.push(why);
      teardowns.push(`${name}/${generation}`);
      return 'started';
    },
  };
  return { ports, clock, registry, ec2, secrets, parameters, statuses, teardowns, removals };
};
export type Fleet = ReturnType<typeof aFleet>;

export const instanceTags = (worker: string, generation: string, extra: Record<string, string> = {}) => ({
  'carrierarr:fleet': 'carrierarr',
  'carrierarr:worker': worker,
  'carrierarr:generation': generation,
  Name: `carrierarr-${worker}`,
  ...extra,
});

const PHASES = ['BOOTED', 'MESHED', 'READY'] as const;

/** A worker that is up: row, instance and secret belong together. */
export const aReadyWorker = async (
  { registry, ec2, secrets }: Fleet,
  name: string,
  reached: (typeof PHASES)[number] = 'READY',
) => {
  const life = await aReservedLife(registry, name);
  const instanceId = ec2.plant({ tags: instanceTags(name, life.generation) });
  secrets.plantFor(name, life.generation);
  const attempt = await registry.beginLaunch(life);
  await registry.recordLaunch(life, attempt, launchFacts({ instanceId }));
  for (const phase of PHASES.slice(0, PHASES.indexOf(reached) + 1)) await registry.advance(life, phase);
  return { ...life, instanceId };
};

export const TEARDOWN = 'arn:aws:states:us-west-2:111122223333:execution:carrierarr-teardown:t1';

export const run = async ({ ports }: Fleet, dryRun = false) => (await sweepFleet(ports, { dryRun })).findings;
/** Two runs of the schedule, a quarter of an hour apart. */
export const runTwice = async (fleet: Fleet) => {
  const first = await run(fleet);
  fleet.clock.advance(15 * MINUTE_MS);
  return { first, second: await run(fleet) };
};
