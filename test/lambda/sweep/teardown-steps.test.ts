import { describe, expect, it } from 'vitest';
import { NotYetConsistentError } from '#shared/errors.ts';
import { awaitTermination } from '../../../lambda/sweep/await-termination.ts';
import { terminateWorker } from '../../../lambda/sweep/terminate-worker.ts';
import { aFleet, instanceTags } from './builders.ts';

const life = { name: 'gpu-worker-001', generation: 'mhx0000a' };

describe('terminate', () => {
  it('ends the instances of this life only', async () => {
    const { ports, ec2 } = aFleet();
    const mine = ec2.plant({ tags: instanceTags(life.name, life.generation) });
    const spared = [
      ec2.plant({ tags: instanceTags(life.name, 'mhx0000b') }),
      ec2.plant({ tags: instanceTags('gpu-worker-002', life.generation) }),
      ec2.plant({ tags: instanceTags(life.name, life.generation, { 'carrierarr:fleet': 'other' }) }),
    ];

    const output = await terminateWorker(ports, life);

    expect(output).toEqual({ instanceIds: [mine] });
    expect(ec2.alive().map((instance) => instance.instanceId)).toEqual(spared);
  });

  it('ends every life of the name when the generation is unknown', async () => {
    const { ports, ec2 } = aFleet();
    ec2.plant({ tags: instanceTags(life.name, 'mhx0000a') });
    ec2.plant({ tags: instanceTags(life.name, 'mhx0000b') });

    const output = await terminateWorker(ports, { ...life, generation: '' });

    expect(output.instanceIds).toHaveLength(2);
    expect(ec2.alive()).toEqual([]);
  });

  it('cancels the Spot requests as well', async () => {
    const { ports, ec2 } = aFleet();
    ec2.plant({ tags: instanceTags(life.name, life.generation), market: 'spot', spotRequestId: 'sir-1' });

    await terminateWorker(ports, life);

    expect(ec2.cancelledSpotRequests).toEqual(['sir-1']);
  });

  it('twice in a row still names what is shutting down, and nothing once it is gone', async () => {
    const { ports, ec2, clock } = aFleet();
    const id = ec2.plant({ tags: instanceTags(life.name, life.generation) });

    await terminateWorker(ports, life);
    const second = await terminateWorker(ports, life);
    clock.advance(ec2.terminationMs);
    const third = await terminateWorker(ports, life);

    expect(second).toEqual({ instanceIds: [id] });
    expect(third).toEqual({ instanceIds: [] });
  });

  it('ends a stopped instance too', async () => {
    const { ports, ec2 } = aFleet();
    ec2.stop(ec2.plant({ tags: instanceTags(life.name, life.generation) }));

    await terminateWorker(ports, life);

    expect(ec2.alive()).toEqual([]);
  });

  it('asks to be called again when an instance vanished between search and termination', async () => {
    const { ports, ec2 } = aFleet();
    ec2.plant({ tags: instanceTags(life.name, life.generation) });
    ec2.failNext('terminate', new NotYetConsistentError({ what: 'not known', remedy: 'again' }));

    await expect(terminateWorker(ports, life)).rejects.toMatchObject({ kind: 'retry' });
  });
});

describe('terminated', () => {
  const watch = async (limitSeconds: number) => {
    const fleet = aFleet();
    const id = fleet.ec2.plant({ tags: instanceTags(life.name, life.generation) });
    await fleet.ec2.terminate([id]);
    fleet.ec2.terminationMs = limitSeconds * 1000;
    return { ...fleet, input: { name: life.name, instanceIds: [id], since: fleet.clock.now().getTime() } };
  };

  it('does not take shutting-down for gone', async () => {
    const { ports, input, clock, ec2 } = await watch(60);

    const before = await awaitTermination(ports, input);
    clock.advance(60_000);
    const after = await awaitTermination(ports, input);

    expect(before).toEqual({ gone: false });
    expect(after).toEqual({ gone: true });
    expect(ec2.all()[0]?.state).toBe('terminated');
  });

  it('takes what EC2 has forgotten for gone', async () => {
    const { ports, input, clock } = await watch(60);
    clock.advance(2 * 3_600_000);

    expect(await awaitTermination(ports, input)).toEqual({ gone: true });
  });

  it('has nothing to wait for when nothing was terminated', async () => {
    const { ports } = aFleet();

    expect(await awaitTermination(ports, { name: life.name, instanceIds: [], since: 0 })).toEqual({ gone: true });
  });

  it('gives up after the configured limit and names what stays', async () => {
    const { ports, input, clock } = await watch(1_000);
    clock.advance(300_000);
    expect(await awaitTermination(ports, input)).toEqual({ gone: false });
    clock.advance(1);

    await expect(awaitTermination(ports, input)).rejects.toMatchObject({
      name: 'TerminationTimedOutError',
      message: expect.stringContaining(`${input.instanceIds[0]} shutting-down`),
    });
  });
});
