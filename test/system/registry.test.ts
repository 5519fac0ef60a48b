import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry } from '../../lambda/registry/create-registry.ts';
import { systemClock } from '../../lambda/shared/clock.ts';
import { createManualClock, MESH } from '../fake/memory-registry.ts';
import { aReservation } from '../fake/registry-builders.ts';
import { describeClusters } from '../lambda/registry/contract-cluster.ts';
import { describeLife, type MakeRegistry } from '../lambda/registry/contract-life.ts';
import { describeRecords } from '../lambda/registry/contract-records.ts';
import { describeReservation } from '../lambda/registry/contract-reservation.ts';
import { createRegistryTable } from './registry-table.ts';
import { type Emulator, obstacle, startEmulator } from './support/emulator.ts';

if (obstacle !== undefined) console.warn(`SKIPPED: the registry on DynamoDB. ${obstacle}`);

describe.skipIf(obstacle !== undefined)('the registry on DynamoDB', () => {
  let emulator: Emulator | undefined;
  let client: DynamoDBClient;
  let tables = 0;

  beforeAll(async () => {
    emulator = await startEmulator();
    client = new DynamoDBClient({
      endpoint: emulator.url,
      region: 'us-west-2',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  });

  afterAll(async () => {
    client?.destroy();
    await emulator?.stop();
  });

  const createTable = async (): Promise<string> => {
    tables += 1;
    return await createRegistryTable(client, `registry-${tables}`);
  };

  const make: MakeRegistry = async (mesh = {}) => {
    const clock = { ...createManualClock(), sleep: systemClock.sleep };
    const settings = { mesh: { ...MESH, ...mesh } };
    return {
      registry: createRegistry({ client, table: await createTable(), clock, random: Math.random, settings }),
      clock,
    };
  };

  describeReservation(make);
  describeLife(make);
  describeClusters(make);
  describeRecords(make);

  // The contract has a hundred at once, by one caller.
  it('gives twenty workers to twenty callers that share nothing but the table', async () => {
    const table = await createTable();
    const callers = Array.from({ length: 20 }, () =>
      createRegistry({ client, table, clock: systemClock, random: Math.random, settings: { mesh: MESH } }),
    );
    const began = performance.now();

    const outcomes = await Promise.all(
      callers.map((caller, index) => caller.reserve(aReservation(`gpu-worker-${index}`))),
    );

    console.info(`20 reservations at once: ${Math.round(performance.now() - began)} ms`);
    expect(new Set(outcomes.map(({ row }) => row.address)).size).toBe(20);
    expect(new Set(outcomes.map(({ row }) => row.owner)).size).toBe(20);
    const rows = await callers[0]?.list();
    expect(new Set(rows?.map(({ address }) => address)).size).toBe(20);
  });
});
