import { describe, expect, it } from 'vitest';
import { AddressError, OwnershipLostError } from '../../../lambda/shared/errors.ts';
import { aReservation, aReservedLife, executionArn } from '../../fake/registry-builders.ts';
import type { MakeRegistry, RegistryUnderTest } from './contract-life.ts';

const HOLDER = executionArn('teardown-1');
const COOLDOWN = 900_000;

/** What every registry does with names and addresses, whatever table is below it. */
export const describeReservation = (make: MakeRegistry): void => {
  const remove = async ({ registry }: RegistryUnderTest, name: string) => {
    const { row } = await registry.fence({ name, generation: undefined }, HOLDER, 60);
    const life = { name, generation: row?.generation ?? '' };
    await registry.releaseAddress(life);
    await registry.markRemoved(life, HOLDER);
  };

  describe('reserving', () => {
    it('gives the first worker of an empty fleet the first address', async () => {
      const { registry } = await make();

      const { outcome, row } = await registry.reserve(aReservation('gpu-worker-001'));

      expect(outcome).toBe('reserved');
      expect(row).toMatchObject({ name: 'gpu-worker-001', address: '10.100.2.1', phase: 'RESERVED' });
      expect(row.owner).toBe(executionArn(`gpu-worker-001-${row.generation}`));
    });

    it('gives a hundred workers reserved at once a hundred addresses', async () => {
      const { registry } = await make();
      const names = Array.from({ length: 100 }, (_, index) => `gpu-worker-${index}`);

      const outcomes = await Promise.all(names.map((name) => registry.reserve(aReservation(name))));

      expect(outcomes.every(({ outcome }) => outcome === 'reserved')).toBe(true);
      expect(new Set(outcomes.map(({ row }) => row.address)).size).toBe(100);
    });

    it('makes one worker of the same name reserved twenty times at once', async () => {
      const { registry } = await make();

      const outcomes = await Promise.all(Array.from({ length: 20 }, () => registry.reserve(aReservation('twin'))));

      expect(outcomes.filter(({ outcome }) => outcome === 'reserved')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'existing')).toHaveLength(19);
      expect(new Set(outcomes.map(({ row }) => `${row.address} ${row.generation}`)).size).toBe(1);
    });

    it('answers with the existing worker when the same is asked again', async () => {
      const { registry } = await make();
      const first = await registry.reserve(aReservation('gpu-worker-001'));

      const again = await registry.reserve(aReservation('gpu-worker-001', { owner: () => executionArn('console') }));

      expect(again).toEqual({ outcome: 'existing', row: first.row });
    });

    it('answers taken when the name is asked for with other parameters', async () => {
      const { registry } = await make();
      const first = await registry.reserve(aReservation('gpu-worker-001'));

      const other = await registry.reserve(aReservation('gpu-worker-001', { worker: { market: 'on-demand' } }));

      expect(other).toEqual({ outcome: 'taken', row: first.row });
    });

    it('finds the life of an execution', async () => {
      const { registry } = await make();
      const { name, generation, execution } = await aReservedLife(registry, 'gpu-worker-001');

      expect(await registry.byExecution(execution)).toEqual({ name, generation });
      expect(await registry.byExecution(executionArn('stranger'))).toBeUndefined();
    });

    it('refuses a second worker to one execution, so that a redrive cannot own two', async () => {
      const { registry } = await make();
      const owner = () => executionArn('console');
      await registry.reserve(aReservation('one', { owner }));

      await expect(registry.reserve(aReservation('two', { owner }))).rejects.toThrow(OwnershipLostError);
      expect(await registry.find('two')).toBeUndefined();
    });
  });

  describe('an address that is asked for', () => {
    it('is given', async () => {
      const { registry } = await make();

      const { row } = await registry.reserve(aReservation('gpu-worker-001', { address: '10.100.7.7' }));

      expect(row.address).toBe('10.100.7.7');
    });

    it.each([
      ['outside the mesh', '10.101.2.1'],
      ["the network's", '10.100.0.0'],
      ['the broadcast address', '10.100.255.255'],
      ["the lighthouse's", '10.100.0.1'],
      ["in the homelab's range below the workers'", '10.100.1.200'],
    ])('is refused when it is %s', async (_case, address) => {
      const { registry } = await make();

      await expect(registry.reserve(aReservation('gpu-worker-001', { address }))).rejects.toThrow(AddressError);
      expect(await registry.find('gpu-worker-001')).toBeUndefined();
    });

    it('is refused when another worker has it, and says who', async () => {
      const { registry } = await make();
      await registry.reserve(aReservation('first', { address: '10.100.2.9' }));

      const second = registry.reserve(aReservation('second', { address: '10.100.2.9' }));

      await expect(second).rejects.toThrow('held by first');
    });
  });

  describe('a freed address', () => {
    it('cools down before another worker gets it', async () => {
      const under = await make();
      await aReservedLife(under.registry, 'first');
      await remove(under, 'first');

      const early = await aReservedLife(under.registry, 'second');
      under.clock.advance(COOLDOWN);
      const late = await aReservedLife(under.registry, 'third');

      expect(early.address).toBe('10.100.2.2');
      expect(late.address).toBe('10.100.2.1');
    });

    it('is given out again before new ones, the longest free first', async () => {
      const under = await make();
      for (const name of ['a', 'b', 'c']) await aReservedLife(under.registry, name);
      for (const name of ['c', 'a']) {
        under.clock.advance(1000);
        await remove(under, name);
      }
      under.clock.advance(COOLDOWN);

      const next = [await aReservedLife(under.registry, 'd'), await aReservedLife(under.registry, 'e')];

      expect(next.map(({ address }) => address)).toEqual(['10.100.2.3', '10.100.2.1']);
    });

    it('may be asked for at once by the name that had it, but not by another', async () => {
      const under = await make();
      await aReservedLife(under.registry, 'first', { address: '10.100.2.5' });
      await remove(under, 'first');

      const other = under.registry.reserve(aReservation('other', { address: '10.100.2.5' }));
      await expect(other).rejects.toThrow('freed by first');
      const again = await aReservedLife(under.registry, 'first', { address: '10.100.2.5' });

      expect(again.address).toBe('10.100.2.5');
    });

    it('leaves none when the mesh is full, and says so', async () => {
      const { registry } = await make();
      const full = await make({
        cidr: '10.100.2.0/30',
        firstWorkerAddress: '10.100.2.1',
        lighthouseAddress: '10.100.2.2',
      });
      await aReservedLife(full.registry, 'only');

      await expect(full.registry.reserve(aReservation('more'))).rejects.toThrow('no mesh address is left');
      expect((await aReservedLife(registry, 'elsewhere')).address).toBe('10.100.2.1');
    });
  });

  describe('an address held for a certificate made elsewhere', () => {
    it('is not given to a worker until the hold is over', async () => {
      const { registry, clock } = await make();
      const until = new Date(clock.now().getTime() + 60_000);

      const held = await registry.holdAddress({ name: 'laptop', until });
      const worker = await aReservedLife(registry, 'first');
      clock.advance(60_000 + COOLDOWN);
      const later = await aReservedLife(registry, 'second');

      expect([held, worker.address, later.address]).toEqual(['10.100.2.1', '10.100.2.2', '10.100.2.1']);
    });

    it('may be held again by the same name, and by no other', async () => {
      const { registry, clock } = await make();
      const until = new Date(clock.now().getTime() + 60_000);
      await registry.holdAddress({ name: 'laptop', address: '10.100.3.1', until });

      expect(await registry.holdAddress({ name: 'laptop', address: '10.100.3.1', until })).toBe('10.100.3.1');
      const other = registry.holdAddress({ name: 'phone', address: '10.100.3.1', until });
      await expect(other).rejects.toThrow(AddressError);
    });
  });

  describe('a removed name', () => {
    it('can be reserved again within the same millisecond, in another generation', async () => {
      const under = await make();
      const first = await aReservedLife(under.registry, 'gpu-worker-001');
      await remove(under, 'gpu-worker-001');

      const second = await aReservedLife(under.registry, 'gpu-worker-001');

      expect(second.generation).not.toBe(first.generation);
      expect(await under.registry.byExecution(first.execution)).toMatchObject({ generation: first.generation });
      expect(await under.registry.find('gpu-worker-001')).toMatchObject({ phase: 'RESERVED', teardownAttempt: 0 });
    });
  });
};
