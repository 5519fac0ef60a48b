import { describe, expect, it } from 'vitest';
import { ThrottledError } from '#shared/errors.ts';
import { aReservedLife, launchFacts } from '../../fake/registry-builders.ts';
import { aFleet, aReadyWorker, MINUTE_MS, run, runTwice, TEARDOWN } from './builders.ts';

describe('a worker nobody works on', () => {
  it('is torn down again when its teardown died: the lease has run out', async () => {
    const fleet = aFleet();
    const worker = await aReadyWorker(fleet, 'gpu-worker-001');
    await fleet.registry.fence(worker, TEARDOWN, 1_800);
    fleet.clock.advance(20 * MINUTE_MS);
    expect(await run(fleet)).toEqual([]);
    fleet.clock.advance(10 * MINUTE_MS);

    expect(await run(fleet)).toMatchObject([{ kind: 'worker', worker: 'gpu-worker-001', action: 'teardown-started' }]);

    expect(fleet.teardowns).toEqual([`gpu-worker-001/${worker.generation}`]);
  });

  it.each(['closed', 'unknown'] as const)(
    'is torn down when its provision is %s but never ended well',
    async (status) => {
      const fleet = aFleet();
      const life = await aReservedLife(fleet.registry, 'gpu-worker-001');
      fleet.statuses.set(life.execution, status);

      expect(await run(fleet)).toEqual([]);
      fleet.clock.advance(15 * MINUTE_MS);
      await run(fleet);

      expect(fleet.teardowns).toEqual([`gpu-worker-001/${life.generation}`]);
    },
  );

  it('is left alone while its provision runs, however long that takes', async () => {
    const fleet = aFleet();
    await aReservedLife(fleet.registry, 'gpu-worker-001');
    fleet.clock.advance(50 * MINUTE_MS);

    expect(await run(fleet)).toEqual([]);
  });

  it.each([0.5, 2])(
    'is torn down at once when EC2 says, %d minutes later, that its instance has ended',
    async (minutes) => {
      const fleet = aFleet();
      const worker = await aReadyWorker(fleet, 'gpu-worker-001');
      fleet.ec2.end(worker.instanceId, 'Server.SpotInstanceTermination');
      fleet.clock.advance(minutes * MINUTE_MS);

      expect(await run(fleet)).toMatchObject([{ kind: 'worker', action: 'teardown-started' }]);

      expect(fleet.removals).toMatchObject([
        { reason: 'lost', text: expect.stringContaining('Server.SpotInstanceTermination') },
      ]);
    },
  );

  it('is torn down after two looks when EC2 knows nothing of its instance, which may be a matter of timing', async () => {
    const fleet = aFleet();
    const worker = await aReadyWorker(fleet, 'gpu-worker-001');
    fleet.ec2.end(worker.instanceId, 'Server.SpotInstanceTermination');
    fleet.clock.advance(180 * MINUTE_MS);

    const { first, second } = await runTwice(fleet);

    expect(first).toMatchObject([{ kind: 'worker', action: 'marked' }]);
    expect(second).toMatchObject([{ kind: 'worker', action: 'teardown-started' }]);
  });

  it('is torn down after two looks when its instance runs on without the fleet’s tags', async () => {
    const fleet = aFleet();
    const life = await aReservedLife(fleet.registry, 'gpu-worker-001');
    const instanceId = fleet.ec2.plant({ tags: {} });
    const attempt = await fleet.registry.beginLaunch(life);
    await fleet.registry.recordLaunch(life, attempt, launchFacts({ instanceId }));
    await fleet.registry.advance(life, 'READY');
    expect(await run(fleet)).toEqual([]);
    fleet.clock.advance(20 * MINUTE_MS);

    const { first, second } = await runTwice(fleet);

    expect([first, second]).toMatchObject([[{ action: 'marked' }], [{ action: 'teardown-started' }]]);
  });

  it('is left alone when it is ready, also stopped', async () => {
    const fleet = aFleet();
    const worker = await aReadyWorker(fleet, 'gpu-worker-001');
    fleet.ec2.stop(worker.instanceId);
    fleet.clock.advance(24 * 60 * MINUTE_MS);

    expect(await run(fleet)).toEqual([]);
  });

  it('is not judged by its instance when EC2 cannot be asked', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet, 'gpu-worker-001');
    fleet.clock.advance(20 * MINUTE_MS);
    fleet.ec2.failNext('instances', new ThrottledError({ what: 'slow down', remedy: 'again' }), { times: 2 });

    const { first, second } = await runTwice(fleet);

    expect([...first, ...second]).toMatchObject([
      { kind: 'instance', id: '*', action: 'none', error: expect.stringContaining('slow down') },
      { kind: 'instance', id: '*', action: 'none' },
    ]);
    expect(fleet.teardowns).toEqual([]);
  });

  it('whose teardown somebody else began meanwhile is nobody’s finding to act on', async () => {
    const fleet = aFleet();
    const life = await aReservedLife(fleet.registry, 'gpu-worker-001');
    fleet.statuses.set(life.execution, 'closed');
    fleet.clock.advance(20 * MINUTE_MS);
    const ports = { ...fleet.ports, startTeardown: async () => 'running' as const };

    expect(await run({ ...fleet, ports })).toMatchObject([{ action: 'none', error: '' }]);
  });
});
