import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type Bench, launchOne, openBench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 });
});
afterEach(async () => {
  vi.useRealTimers();
  await bench.close();
});

/** An instance whose machine has started, and what EC2 has told it so far. */
const launch = async (market: 'spot' | 'on-demand') => {
  const instanceId = await launchOne(bench, {
    TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: market },
  });
  await eventually(() => expect(bench.host.started).toHaveLength(1));
  return { instanceId, notices: () => bench.host.started[0]?.notices?.() };
};

const interrupt = async (body: Record<string, unknown>): Promise<number> =>
  (await fetch(`${bench.edge.url}/_edge/interruptions`, { method: 'POST', body: JSON.stringify(body) })).status;

describe('an interruption', () => {
  it('is told to a Spot instance first; EC2 takes it when its time has come', async () => {
    const { instanceId, notices } = await launch('spot');
    const before = [...(notices() ?? [])];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

    expect(await interrupt({ instanceId, seconds: 120 })).toBe(200);

    expect(before).toEqual([]);
    expect(notices()).toEqual([{ kind: 'interruption', action: 'terminate', time: expect.any(Date) }]);
    expect(bench.host.stopped).toEqual([]);
    vi.advanceTimersByTime(120_000);
    await eventually(() => expect(bench.host.stopped).toEqual([instanceId]));
    const described = await bench.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    expect(described.Reservations?.[0]?.Instances?.[0]?.StateTransitionReason).toMatch(/Spot/);
  });

  it('is announced to those functions of the account whose rules want it', async () => {
    const { instanceId } = await launch('spot');
    bench.upstream.answers.set('ListRules', {
      Rules: ['wants-it', 'wants-others', 'is-off'].map((Name) => ({
        Name,
        EventPattern: JSON.stringify({ source: [Name === 'wants-others' ? 'aws.states' : 'aws.ec2'] }),
        State: Name === 'is-off' ? 'DISABLED' : 'ENABLED',
      })),
    });
    bench.upstream.answers.set('TestEventPattern', ({ EventPattern, Event }) => ({
      Result: JSON.parse(String(EventPattern)).source.includes(JSON.parse(String(Event)).source),
    }));
    bench.upstream.answers.set('ListTargetsByRule', ({ Rule }) => ({
      Targets: [{ Id: '1', Arn: `arn:aws:lambda:us-west-2:000000000000:function:${Rule}` }],
    }));

    await interrupt({ instanceId, seconds: 60 });

    const called = () => bench.upstream.seen.filter((line) => line.includes('/invocations'));
    await eventually(() => expect(called()).toHaveLength(1));
    expect(called()[0]).toContain('wants-it');
  });

  it('may be aimed at a worker', async () => {
    const { instanceId, notices } = await launch('spot');
    Object.assign(bench.edge.ec2.require(instanceId).tags, { 'carrierarr:worker': 'gpu-7' });

    expect(await interrupt({ worker: 'gpu-8' })).toBe(400);
    expect(await interrupt({ worker: 'gpu-7', seconds: 60 })).toBe(200);

    expect(notices()).toMatchObject([{ kind: 'interruption' }]);
  });

  it('may be a recommendation to leave, which takes nothing', async () => {
    const { instanceId, notices } = await launch('spot');

    await interrupt({ instanceId, kind: 'rebalance' });

    expect(notices()).toMatchObject([{ kind: 'rebalance' }]);
  });

  it.each([
    ['on demand', async () => (await launch('on-demand')).instanceId],
    ['that nobody knows', async () => 'i-0fedcba9876543210'],
  ])('is refused for an instance %s', async (_, launched) => {
    expect(await interrupt({ instanceId: await launched() })).toBe(400);
  });
});
