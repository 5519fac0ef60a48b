import type { FleetSettings, IdleSpell, WorkerObservation } from '#contract';
import type { ObservePorts } from '../../../lambda/observe/ports.ts';
import type { BusEvent } from '../../../lambda/shared/aws/events.ts';
import { createMemoryDoors, SETTINGS } from '../../fake/doors.ts';
import { aReservedLife, launchFacts, type ReservationOverrides } from '../../fake/registry-builders.ts';

export const MINUTE = 60_000;
export const INSTANCE = 'i-0123456789abcdef0';
export const SWEEP = 'arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-sweep';
export const NAME = 'gpu-worker-001';

/** A fleet whose observations are judged; `bus.fail` makes the bus refuse. */
export const aFleet = (agent: Partial<FleetSettings['agent']> = {}) => {
  const doors = createMemoryDoors();
  const events: BusEvent[] = [];
  const bus = { fail: false };
  const ports: ObservePorts = {
    ...doors,
    sweepMachine: SWEEP,
    settings: { fleet: 'carrierarr', agent: { ...SETTINGS.agent, ...agent } },
    publish: async (event) => {
      if (bus.fail) throw new Error('the bus is ill');
      events.push(event);
    },
  };
  return { ...doors, ports, events, bus };
};
export type Fleet = ReturnType<typeof aFleet>;

/** A worker that has just become READY. */
export const aReadyWorker = async (
  { registry }: Pick<Fleet, 'registry'>,
  {
    name = NAME,
    instanceId = INSTANCE,
    worker = {},
  }: Partial<{
    name: string;
    instanceId: string;
    worker: ReservationOverrides['worker'];
  }> = {},
) => {
  const life = await aReservedLife(registry, name, { worker });
  const attempt = await registry.beginLaunch(life);
  await registry.recordLaunch(life, attempt, launchFacts({ instanceId }));
  return await registry.advance(life, 'READY');
};

/** What the control plane says of that worker now. */
export const seen = (fleet: Fleet, overrides: Partial<WorkerObservation> = {}): WorkerObservation => ({
  worker: NAME,
  fleet: 'carrierarr',
  generation: '',
  instanceId: INSTANCE,
  nebulaIp: '10.100.2.1',
  nodeId: 'ip-10-80-0-7',
  observedAt: fleet.clock.now().toISOString(),
  path: 'ok',
  ...overrides,
});

const event = (source: string, detailType: string, detail: unknown) => ({
  version: '0',
  id: crypto.randomUUID(),
  source,
  'detail-type': detailType,
  time: '2026-11-21T10:00:00Z',
  detail,
});
/** The bus has taken it just now. */
export const anIdleEvent = (fleet: Fleet, idleMinutes: number, overrides: Partial<WorkerObservation> = {}) => ({
  ...event('carrierarr.homelab', 'Worker Idle', seen(fleet, { idleSeconds: idleMinutes * 60, ...overrides })),
  time: fleet.clock.now().toISOString(),
});
export const aDeadEvent = (fleet: Fleet, overrides: Partial<WorkerObservation> = {}) =>
  event('carrierarr.homelab', 'Worker Dead', seen(fleet, { lastSeen: '2026-11-21T10:20:00+01:00', ...overrides }));
export const aSpotWarning = (instanceId = INSTANCE, action = 'terminate') =>
  event('aws.ec2', 'EC2 Spot Instance Interruption Warning', {
    'instance-id': instanceId,
    'instance-action': action,
  });

export const spellOf = async ({ registry }: Fleet): Promise<IdleSpell | undefined> => (await registry.find(NAME))?.idle;
