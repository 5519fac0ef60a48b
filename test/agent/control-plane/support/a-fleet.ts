import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Change, Fleet } from '../../../../agent/control-plane/fleet/fleet.ts';
import type { Identity } from '../../../../agent/control-plane/fleet/identity.ts';
import type { FleetLimits } from '../../../../agent/control-plane/fleet/judge.ts';
import type { AgentStream, NodeRecord } from '../../../../agent/control-plane/fleet/node.ts';
import type { Observation } from '../../../../agent/control-plane/fleet/observation.ts';
import {
  HealthState,
  NodeCapabilitiesSchema,
  NodeStatusSchema,
  NodeType,
  RegisterRequestSchema,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { FakeClock, HOUR, MINUTE, SECOND } from './fake-clock.ts';

export const LIMITS: FleetLimits = {
  stale: 2 * MINUTE,
  dead: 5 * MINUTE,
  forget: 24 * HOUR,
  idleAfter: 5 * MINUTE,
  idleEvery: 5 * MINUTE,
  deadEvery: HOUR,
};

type Registration = MessageInitShape<typeof RegisterRequestSchema>;

export const registration = (number: number, overrides: Registration = {}) =>
  create(RegisterRequestSchema, {
    nodeId: `ip-10-0-0-${number}`,
    nodeType: NodeType.GPU_WORKER,
    instanceId: `i-${number}`,
    nebulaIp: `10.100.1.${number}`,
    worker: `worker-${number}`,
    agentVersion: '0.1.0',
    capabilities: create(NodeCapabilitiesSchema, { hasGpu: true, gpuCount: 1 }),
    ...overrides,
  });

type Claims = Extract<Identity, { kind: 'proven' }>['claims'];

export const proven = (number: number, overrides: Partial<Claims> = {}): Identity => ({
  kind: 'proven',
  claims: {
    worker: `worker-${number}`,
    fleet: 'home',
    generation: 'mabcdef1',
    address: `10.100.1.${number}`,
    ...overrides,
  },
});

export const status = (number: number, overrides: MessageInitShape<typeof NodeStatusSchema> = {}) =>
  create(NodeStatusSchema, { nodeId: `ip-10-0-0-${number}`, health: HealthState.HEALTHY, ...overrides });

export class FakeStream implements AgentStream {
  readonly endings: string[] = [];
  end(reason: string): void {
    this.endings.push(reason);
  }
}

/** A fleet whose time is the test's. */
export const aFleet = (restored: readonly NodeRecord[] = [], clock = new FakeClock()) => {
  const observations: Observation[] = [];
  const changes: Change[] = [];
  const lines: string[] = [];
  const observer = { observe: (observation: Observation) => void observations.push(observation) };
  const fleet = new Fleet({ clock, limits: LIMITS, observer, log: (_, event) => void lines.push(event) });
  fleet.restore(restored);
  fleet.subscribe((change) => changes.push(change));
  const join = (number: number, overrides: Registration = {}, identity: Identity = { kind: 'unchecked' }) => {
    const outcome = fleet.register(registration(number, overrides), identity);
    const stream = new FakeStream();
    if (outcome.accepted) fleet.openStream(outcome.node.record.id, stream);
    return { outcome, stream, id: overrides.nodeId ?? `ip-10-0-0-${number}` };
  };
  /** Lets time pass as the program would: a sweep each second; whoever is named speaks each 30 s. */
  const pass = (milliseconds: number, ...speaking: readonly string[]): void => {
    for (let elapsed = SECOND; elapsed <= milliseconds; elapsed += SECOND) {
      clock.pass(SECOND);
      if (elapsed % (30 * SECOND) === 0) for (const id of speaking) fleet.heard(id);
      fleet.sweep();
    }
  };
  const stateOf = (id: string) => fleet.get(id)?.record.state;
  const records = () => fleet.list().map(({ record }) => record);
  return { fleet, clock, observations, changes, lines, join, pass, stateOf, records };
};
