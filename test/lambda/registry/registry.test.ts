import { describe } from 'vitest';
import { createManualClock, createMemoryRegistry } from '../../fake/memory-registry.ts';
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
  describeRecords(make);
});
