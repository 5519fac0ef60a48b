import { describe, expect, it } from 'vitest';
import { ThrottledError } from '../../../lambda/shared/errors.ts';
import { createManualClock, createMemoryRegistry } from '../../fake/memory-registry.ts';
import { createMemoryStore } from '../../fake/memory-store.ts';
import { aCertificate, aReservation, aReservedLife } from '../../fake/registry-builders.ts';
import { describeClusters } from './contract-cluster.ts';
import { describeLife, type MakeRegistry } from './contract-life.ts';
import { describeRecords } from './contract-records.ts';
import { describeReservation } from './contract-reservation.ts';

const make: MakeRegistry = async (mesh = {}) => {
  const clock = createManualClock();
  return { registry: createMemoryRegistry({ clock, mesh }), clock };
};

describe('the registry in memory', () => {
  describeReservation(make);
  describeLife(make);
  describeClusters(make);
  describeRecords(make);
});

describe('an index that is behind its table', () => {
  const behind = () => {
    const store = { ...createMemoryStore(), list: async () => [] };
    return createMemoryRegistry({ store });
  };

  it('still lets every address go to one worker', async () => {
    const registry = behind();

    const outcomes = await Promise.all(['a', 'b', 'c'].map((name) => registry.reserve(aReservation(name))));

    expect(new Set(outcomes.map(({ row }) => row.address)).size).toBe(3);
  });

  it('does not save a certificate from its revocation', async () => {
    const registry = behind();
    const life = await aReservedLife(registry, 'gpu-worker-001');
    const certificate = aCertificate({ generation: life.generation });
    await registry.recordCertificate(certificate);
    const { fingerprint, notAfter } = certificate;
    await registry.recordIdentity(life, { secretArn: 'arn:secret', fingerprint, notAfter });

    expect(await registry.revokeCertificates(life)).toEqual([fingerprint]);
    expect(await registry.findCertificate(fingerprint)).toMatchObject({ status: 'revoked' });
  });
});

describe('a table whose transactions are in each other’s way', () => {
  it('has callers spread out at once instead of meeting again on the best address', async () => {
    const store = createMemoryStore();
    let conflicts = 1;
    const crowded = {
      ...store,
      transact: async (puts: Parameters<typeof store.transact>[0]) => {
        conflicts -= 1;
        return conflicts < 0 ? await store.transact(puts) : { done: false as const, failed: [] };
      },
    };
    const registry = createMemoryRegistry({ store: crowded, random: () => 0.5 });

    const { row } = await registry.reserve(aReservation('gpu-worker-001'));

    expect(row.address).toBe('10.100.2.129');
  });

  it('gives up as throttled, so that the state retries', async () => {
    const store = { ...createMemoryStore(), transact: async () => ({ done: false as const, failed: [] }) };

    const reserving = createMemoryRegistry({ store }).reserve(aReservation('gpu-worker-001'));

    await expect(reserving).rejects.toThrow(ThrottledError);
  });

  it('leaves a fence that never holds to the state’s retry as well', async () => {
    const store = createMemoryStore();
    const { name } = await aReservedLife(createMemoryRegistry({ store }), 'gpu-worker-001');
    const racing = createMemoryRegistry({ store: { ...store, update: async () => undefined } });

    await expect(racing.fence({ name, generation: undefined }, 'holder', 60)).rejects.toThrow(ThrottledError);
  });
});
