import { describe, expect, it } from 'vitest';
import { speaksFor } from '../../../../agent/control-plane/fleet/identity.ts';
import { aFleet, proven } from '../support/a-fleet.ts';
import { MINUTE } from '../support/fake-clock.ts';

const ANONYMOUS = { kind: 'anonymous' } as const;

describe('a token', () => {
  it('makes the node proven, and tells what the agent does not know', () => {
    const { join, fleet } = aFleet();

    const { id } = join(1, {}, proven(1));

    expect(fleet.get(id)?.record).toMatchObject({ proven: true, fleet: 'home', generation: 'mabcdef1' });
  });

  it.each([
    ['worker', { worker: 'worker-2' }],
    ['worker', { worker: '' }],
    ['nebula_ip', { nebulaIp: '10.100.1.9' }],
    ['fleet', { fleet: 'other' }],
    ['generation', { generation: 'mzzzzzz9' }],
  ])('that contradicts the %s is forbidden', (field, overrides) => {
    const { join } = aFleet();

    const { outcome } = join(1, overrides, proven(1));

    expect(outcome).toMatchObject({
      accepted: false,
      forbidden: true,
      reason: expect.stringContaining(`for ${field} `),
    });
  });

  it('does not open the place of another worker that is online', () => {
    const { join, stateOf } = aFleet();
    const { id } = join(1, {}, proven(1));

    const { outcome } = join(2, { nodeId: id }, proven(2));

    expect(outcome).toMatchObject({ accepted: false, forbidden: true });
    expect(stateOf(id)).toBe('online');
  });

  it('opens the host name of a worker that is silent: EC2 gives addresses out again', () => {
    const { join, fleet, pass } = aFleet();
    const { id } = join(1, {}, proven(1));
    pass(3 * MINUTE);

    join(2, { nodeId: id }, proven(2));

    expect(fleet.get(id)?.record).toMatchObject({ worker: 'worker-2', proven: true });
  });
});

describe('a token of an earlier life of the worker', () => {
  const LATER = proven(1, { generation: 'mabcdef2' });

  it('opens nothing once the later one was there, whatever the host name, heard of or not', () => {
    const { join, pass, fleet } = aFleet();
    const { id } = join(2, { worker: 'worker-1', nebulaIp: '10.100.1.1' }, LATER);

    const at = (nodeId: string) => join(1, { nodeId }, proven(1)).outcome;
    expect(at('ip-10-0-0-1')).toMatchObject({ forbidden: true, reason: expect.stringContaining('earlier life') });
    pass(6 * MINUTE);
    expect(at(id)).toMatchObject({ forbidden: true });
    expect(fleet.get(id)?.record).toMatchObject({ generation: 'mabcdef2', instanceId: 'i-2' });
  });

  it('does not keep the later one out, and no longer speaks for it', () => {
    const { join, fleet } = aFleet();
    const { id } = join(1, {}, proven(1));

    expect(join(1, { instanceId: 'i-9' }, LATER).outcome).toMatchObject({ accepted: true });
    const record = fleet.get(id)?.record;
    expect(record && [speaksFor(proven(1), record), speaksFor(LATER, record)]).toEqual([false, true]);
  });
});

describe('a worker of the same name in another fleet', () => {
  const ELSEWHERE = proven(1, { fleet: 'other' });

  it('is another worker: it takes no place and speaks for nobody here', () => {
    const { join, fleet, stateOf } = aFleet();
    const { id } = join(1, {}, proven(1));

    expect(join(1, { instanceId: 'i-9' }, ELSEWHERE).outcome).toMatchObject({ accepted: false, forbidden: true });
    const record = fleet.get(id)?.record;
    expect(record && speaksFor(ELSEWHERE, record)).toBe(false);
    expect(stateOf(id)).toBe('online');
  });
});

describe('an agent without a token, where tokens are asked for', () => {
  it('is nobody’s worker', () => {
    const { join } = aFleet();

    expect(join(1, {}, ANONYMOUS).outcome).toMatchObject({ accepted: false, forbidden: true });
    expect(join(1, { worker: '' }, ANONYMOUS).outcome).toMatchObject({ accepted: true });
  });

  it('takes no mesh address of a proven worker', () => {
    const { join } = aFleet();
    join(1, {}, proven(1));

    const { outcome } = join(2, { worker: '', nebulaIp: '10.100.1.1' }, ANONYMOUS);

    expect(outcome).toMatchObject({ accepted: false, forbidden: true });
  });

  it('speaks for no proven node', () => {
    const { join, fleet } = aFleet();
    const { id } = join(1, {}, proven(1));
    const record = fleet.get(id)?.record;
    if (record === undefined) throw new Error('not registered');

    expect(speaksFor(ANONYMOUS, record)).toBe(false);
    expect(speaksFor(proven(2), record)).toBe(false);
    expect(speaksFor(proven(1, { address: '10.100.1.7' }), record)).toBe(false);
    expect(speaksFor(proven(1), record)).toBe(true);
  });
});

describe('a control plane that lost its keys', () => {
  it('still takes the agents that had proven themselves', () => {
    const first = aFleet();
    first.join(1, {}, proven(1));

    const second = aFleet(first.records());

    expect(second.join(1).outcome).toMatchObject({ accepted: true });
  });
});
