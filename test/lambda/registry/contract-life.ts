import { describe, expect, it } from 'vitest';
import type { Registry } from '../../../lambda/registry/port.ts';
import { LaunchFencedError, OwnershipLostError } from '../../../lambda/shared/errors.ts';
import type { ManualClock, MESH } from '../../fake/memory-registry.ts';
import { aReservedLife, executionArn, launchFacts } from '../../fake/registry-builders.ts';

export interface RegistryUnderTest {
  readonly registry: Registry;
  readonly clock: ManualClock;
}
export type MakeRegistry = (mesh?: Partial<typeof MESH>) => Promise<RegistryUnderTest>;

const NAME = 'gpu-worker-001';
const TEARDOWN = executionArn('teardown-1');
const OTHER_TEARDOWN = executionArn('teardown-2');
const LEASE = 600;

/** What every registry does between a reservation and the end of the worker. */
export const describeLife = (make: MakeRegistry): void => {
  const identity = { secretArn: 'arn:secret', fingerprint: 'a'.repeat(64), notAfter: '2026-11-28T10:00:00.000Z' };

  describe('a provision', () => {
    it('goes from phase to phase and remembers what it learnt', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);

      await registry.recordIdentity(life, identity);
      const attempt = await registry.beginLaunch(life);
      await registry.recordLaunch(life, attempt, launchFacts());
      for (const phase of ['BOOTED', 'MESHED', 'READY'] as const) await registry.advance(life, phase);

      expect(await registry.find(NAME)).toMatchObject({
        phase: 'READY',
        launchAttempt: 1,
        certificateFingerprint: identity.fingerprint,
        ...launchFacts(),
      });
    });

    it('never goes backwards', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.advance(life, 'READY');

      await expect(registry.advance(life, 'BOOTED')).rejects.toThrow(OwnershipLostError);
      expect((await registry.find(NAME))?.phase).toBe('READY');
    });

    it('may repeat a step', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.advance(life, 'READY');

      expect((await registry.advance(life, 'READY')).phase).toBe('READY');
    });

    it('of another execution or generation changes nothing', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const before = await registry.find(NAME);

      const stranger = { ...life, execution: executionArn('stranger') };
      const earlier = { ...life, generation: 'aaaaaaaa' };
      await expect(registry.advance(stranger, 'READY')).rejects.toThrow(OwnershipLostError);
      await expect(registry.recordIdentity(earlier, identity)).rejects.toThrow(OwnershipLostError);
      await expect(registry.beginLaunch(stranger)).rejects.toThrow(LaunchFencedError);
      await expect(registry.openCommand(earlier, { commandId: 'c', step: 's' })).rejects.toThrow(OwnershipLostError);
      expect(await registry.recordFailure(stranger, { error: 'E', cause: 'c' })).toBe(false);
      expect(await registry.find(NAME)).toEqual(before);
    });

    it('keeps the last measurement of the cold start, in whatever phase before the teardown', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const launchedAt = '2026-11-21T10:00:00.000Z';
      const whole = { launchedAt, stages: { boot: 24.5, inService: 301.25 } };

      expect(await registry.recordColdStart(life, { launchedAt, stages: { boot: 24.5 } })).toBe(true);
      expect(await registry.recordColdStart(life, whole)).toBe(true);
      expect(await registry.recordColdStart({ ...life, generation: 'aaaaaaaa' }, { launchedAt, stages: {} })).toBe(
        false,
      );
      await registry.fence(life, TEARDOWN, LEASE);
      expect(await registry.recordColdStart(life, { launchedAt, stages: {} })).toBe(false);

      expect(await registry.find(NAME)).toMatchObject({ coldStart: whole });
    });

    it('keeps the phase when a certificate is renewed', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.advance(life, 'READY');

      await registry.recordIdentity(life, { ...identity, fingerprint: 'b'.repeat(64) });

      expect(await registry.find(NAME)).toMatchObject({ phase: 'READY', certificateFingerprint: 'b'.repeat(64) });
    });

    it('keeps its first failure, and says so again when told again', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const first = { error: 'BootFailedError', cause: 'no secret' };

      const told = [
        await registry.recordFailure(life, first),
        await registry.recordFailure(life, { error: 'States.ALL', cause: 'later' }),
        await registry.recordFailure(life, first),
      ];

      expect(told).toEqual([true, false, true]);
      expect((await registry.find(NAME))?.failure).toEqual(first);
    });

    it('closes only the command it means', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.openCommand(life, { commandId: 'c-2', step: 'verify-nebula' });

      await registry.closeCommand(life, 'c-1');
      const open = (await registry.find(NAME))?.openCommand;
      await registry.closeCommand(life, 'c-2');

      expect(open).toEqual({ commandId: 'c-2', step: 'verify-nebula' });
      expect((await registry.find(NAME))?.openCommand).toBeUndefined();
    });
  });

  describe('the fence of a launch', () => {
    it('counts attempts, and a later one shuts out an earlier', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const attempts = [await registry.beginLaunch(life), await registry.beginLaunch(life)];

      await expect(registry.recordLaunch(life, 1, launchFacts())).rejects.toThrow(LaunchFencedError);
      await registry.recordLaunch(life, 2, launchFacts());

      expect(attempts).toEqual([1, 2]);
    });

    it('takes a repeated record of the same launch for the same launch', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const attempt = await registry.beginLaunch(life);
      await registry.recordLaunch(life, attempt, launchFacts());

      await expect(registry.recordLaunch(life, attempt, launchFacts())).resolves.toBeUndefined();
      const another = registry.recordLaunch(life, attempt, launchFacts({ instanceId: 'i-0fedcba9876543210' }));
      await expect(another).rejects.toThrow(LaunchFencedError);
    });

    it('lets a launch begin again when the answer of one that worked was lost', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.recordLaunch(life, await registry.beginLaunch(life), launchFacts());

      expect(await registry.beginLaunch(life)).toBe(2);
    });

    it('is lost to a teardown before and after the call', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const attempt = await registry.beginLaunch(life);
      await registry.fence(life, TEARDOWN, LEASE);

      await expect(registry.recordLaunch(life, attempt, launchFacts())).rejects.toThrow(LaunchFencedError);
      await expect(registry.beginLaunch(life)).rejects.toThrow(LaunchFencedError);
      await expect(registry.openCommand(life, { commandId: 'c', step: 's' })).rejects.toThrow(OwnershipLostError);
      expect(await registry.find(NAME)).toMatchObject({ phase: 'TEARING_DOWN', fencedPhase: 'LAUNCHING' });
    });
  });

  describe('a teardown', () => {
    it('is held by one execution at a time, until its lease is over', async () => {
      const { registry, clock } = await make();
      const life = await aReservedLife(registry, NAME);

      const first = await registry.fence(life, TEARDOWN, LEASE);
      const busy = await registry.fence(life, OTHER_TEARDOWN, LEASE);
      clock.advance(LEASE * 1000);
      const second = await registry.fence(life, OTHER_TEARDOWN, LEASE);

      expect([first.outcome, busy.outcome, second.outcome]).toEqual(['fenced', 'busy', 'fenced']);
      expect(busy.row?.lease?.holder).toBe(TEARDOWN);
      expect(second.row).toMatchObject({ fencedAt: first.row?.fencedAt, fencedPhase: 'RESERVED' });
    });

    it('fences for one of twenty that come at once', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      const holders = Array.from({ length: 20 }, (_, index) => executionArn(`teardown-${index}`));

      const outcomes = await Promise.all(holders.map((holder) => registry.fence(life, holder, LEASE)));

      expect(outcomes.filter(({ outcome }) => outcome === 'fenced')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'busy')).toHaveLength(19);
    });

    it('may fence again itself', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.fence(life, TEARDOWN, LEASE);

      expect((await registry.fence(life, TEARDOWN, LEASE)).outcome).toBe('fenced');
    });

    it('can be taken over once the lease of a dead one is released by name', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.fence(life, TEARDOWN, LEASE);

      const released = [
        await registry.releaseLease(life, OTHER_TEARDOWN),
        await registry.releaseLease(life, TEARDOWN),
        await registry.releaseLease(life, TEARDOWN),
      ];

      expect(released).toEqual([false, true, false]);
      expect((await registry.fence(life, OTHER_TEARDOWN, LEASE)).outcome).toBe('fenced');
    });

    it('finds nothing to fence where there is no worker, or the life is over', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);

      expect(await registry.fence({ name: 'nobody', generation: undefined }, TEARDOWN, LEASE)).toEqual({
        outcome: 'absent',
        row: undefined,
      });
      expect(await registry.fence({ name: NAME, generation: 'aaaaaaaa' }, TEARDOWN, LEASE)).toEqual({
        outcome: 'removed',
        row: undefined,
      });
      expect((await registry.find(life.name))?.phase).toBe('RESERVED');
    });

    it('numbers its attempts', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);

      const numbers = await Promise.all([1, 2, 3].map(() => registry.nextTeardownAttempt(life)));

      expect(numbers.sort()).toEqual([1, 2, 3]);
    });

    it('frees no address of a worker that is not fenced', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);

      expect(await registry.releaseAddress(life)).toBe(false);
      await registry.fence(life, TEARDOWN, LEASE);
      expect(await registry.releaseAddress({ ...life, generation: 'aaaaaaaa' })).toBe(false);
      expect([await registry.releaseAddress(life), await registry.releaseAddress(life)]).toEqual([true, true]);
    });

    it('ends with its holder only, and twice in a row', async () => {
      const { registry } = await make();
      const life = await aReservedLife(registry, NAME);
      await registry.fence(life, TEARDOWN, LEASE);

      const ends = [
        await registry.markRemoved(life, OTHER_TEARDOWN),
        await registry.markRemoved(life, TEARDOWN),
        await registry.markRemoved(life, TEARDOWN),
      ];

      expect(ends).toEqual([false, true, true]);
      expect(await registry.find(NAME)).toMatchObject({ phase: 'REMOVED', removedAt: expect.any(String) });
      expect((await registry.fence(life, TEARDOWN, LEASE)).outcome).toBe('removed');
    });
  });
};
