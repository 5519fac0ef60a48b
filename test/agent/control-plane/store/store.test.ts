import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeRecord } from '../../../../agent/control-plane/fleet/node.ts';
import { Audit } from '../../../../agent/control-plane/store/audit.ts';
import { openDatabase } from '../../../../agent/control-plane/store/database.ts';
import { NodeStore } from '../../../../agent/control-plane/store/node-store.ts';
import { aFleet, status } from '../support/a-fleet.ts';
import { FakeClock, HOUR, SECOND } from '../support/fake-clock.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'plane-store-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  return folder;
};

const open = (folder: string, lines: string[] = []): DatabaseSync => {
  const database = openDatabase(
    folder,
    (level, event) => void lines.push(`${level} ${event}`),
    () => new Date(0),
  );
  cleanUps.push(() => database.isOpen && database.close());
  return database;
};

const aStore = (database: DatabaseSync, records: ReadonlyMap<string, NodeRecord>, lines: string[] = []) => {
  const store = new NodeStore(
    database,
    (id) => records.get(id),
    (level, event) => void lines.push(`${level} ${event}`),
  );
  cleanUps.push(() => database.isOpen && store.close());
  return store;
};

const someRecords = (): Map<string, NodeRecord> => {
  const { join: joinFleet, fleet, records } = aFleet();
  fleet.status(joinFleet(1).id, status(1, { gpus: [{ name: 'L4' }], loadedModels: [{ name: 'llama' }] }));
  joinFleet(2);
  return new Map(records().map((record) => [record.id, record]));
};

describe('the state', () => {
  it('is there again after a restart, down to the last status', () => {
    const folder = aFolder();
    const records = someRecords();
    const first = open(folder);
    const store = aStore(first, records);
    for (const id of records.keys()) store.changed(id);
    store.close();
    first.close();

    const loaded = aStore(open(folder), new Map()).load();

    expect(loaded).toEqual(JSON.parse(JSON.stringify([...records.values()])));
  });

  it('forgets who was forgotten', () => {
    const database = open(':memory:');
    const records = someRecords();
    const store = aStore(database, records);
    for (const id of records.keys()) store.changed(id);
    store.flush();

    records.delete('ip-10-0-0-1');
    store.changed('ip-10-0-0-1');
    store.flush();

    expect(store.load().map(({ id }) => id)).toEqual(['ip-10-0-0-2']);
  });

  it('is written once a batch, however often a node speaks', () => {
    const records = someRecords();
    let lookups = 0;
    const store = new NodeStore(
      open(':memory:'),
      (id) => {
        lookups += 1;
        return records.get(id);
      },
      () => {},
    );

    for (let times = 0; times < 100; times += 1) store.changed('ip-10-0-0-1');
    store.close();

    expect(lookups).toBe(1);
  });

  it('stays to be written while the disk refuses', () => {
    const lines: string[] = [];
    const database = open(':memory:');
    const store = aStore(database, someRecords(), lines);
    database.exec('PRAGMA query_only = 1');

    store.changed('ip-10-0-0-1');
    store.flush();
    expect(store.healthy).toBe(false);
    database.exec('PRAGMA query_only = 0');
    store.flush();

    expect(store.healthy).toBe(true);
    expect(store.load()).toHaveLength(1);
    expect(lines).toEqual(['error state is not kept', 'info state is kept again']);
  });

  it('leaves out a record that nobody can read, loudly', () => {
    const lines: string[] = [];
    const database = open(':memory:');
    database.exec("INSERT INTO nodes VALUES ('a', '{'), ('b', '{\"id\":\"b\"}')");

    expect(aStore(database, new Map(), lines).load()).toEqual([]);
    expect(lines).toEqual(['error record unreadable', 'error record unreadable']);
  });
});

describe('a file that is no database any more', () => {
  it('is moved aside, and a new one begun, with a loud line', () => {
    const folder = aFolder();
    writeFileSync(join(folder, 'control-plane.sqlite'), 'x'.repeat(10_000));
    const lines: string[] = [];

    const database = open(folder, lines);

    expect(aStore(database, new Map()).load()).toEqual([]);
    expect(lines).toEqual(['error state was corrupt']);
    expect(readdirSync(folder)).toContain('control-plane.sqlite.corrupt-1970-01-01T000000.000Z');
  });
});

describe('a file of a later version', () => {
  it('is refused and left alone', () => {
    const folder = aFolder();
    const later = new DatabaseSync(join(folder, 'control-plane.sqlite'));
    later.exec('PRAGMA user_version = 99');
    later.close();

    expect(() => open(folder)).toThrow(/later version.*schema 99/);
    expect(readdirSync(folder)).toEqual(['control-plane.sqlite']);
  });
});

describe('a folder that cannot be', () => {
  it('is refused with a remedy', () => {
    expect(() => open('/proc/nowhere')).toThrow(/cannot be kept in \/proc\/nowhere.*--data-dir/);
  });
});

describe('the audit', () => {
  const entry = { event: 'accepted', command_id: 'c', node_id: 'n', type: 'DRAIN', source: '::1', detail: '' } as const;
  const anAudit = () => {
    const clock = new FakeClock();
    return { clock, audit: new Audit(open(':memory:'), () => clock.now(), 90) };
  };

  it('is read newest first, page by page, by command and by node', () => {
    const { audit } = anAudit();
    for (const id of ['a', 'b', 'c']) audit.add({ ...entry, command_id: id, node_id: `node-${id}` });

    const [newest, second] = audit.list({ limit: 2 });
    expect([newest?.command_id, second?.command_id]).toEqual(['c', 'b']);
    expect(audit.list({ limit: 2, before: second?.id }).map((line) => line.command_id)).toEqual(['a']);
    expect(audit.list({ limit: 9, commandId: 'b' })).toHaveLength(1);
    expect(audit.list({ limit: 9, nodeId: 'node-c' })).toHaveLength(1);
  });

  it('keeps lines for its days, and no longer', () => {
    const { audit, clock } = anAudit();
    audit.add(entry);
    clock.pass(24 * HOUR);
    audit.add({ ...entry, command_id: 'younger' });
    clock.pass(89 * 24 * HOUR + 1);

    audit.prune();

    expect(audit.list({ limit: 9 }).map((line) => line.command_id)).toEqual(['younger']);
  });

  it('notes sixty refused requests a minute, and then how many there were', () => {
    const { audit, clock } = anAudit();
    const refused = { node_id: '', type: 'COMMAND', source: '10.0.0.9', detail: 'no token' };
    for (let times = 0; times < 1000; times += 1) audit.refuse(refused);
    expect(audit.list({ limit: 1000 })).toHaveLength(60);

    clock.pass(60 * SECOND);
    audit.refuse(refused);

    expect(audit.list({ limit: 1 })[0]?.detail).toBe('no token (before it 940 more that were not noted)');
  });

  it('keeps what was done, whoever knocks: refused requests push out their like alone', () => {
    const { audit, clock } = anAudit();
    audit.add(entry);
    const refused = { node_id: '', type: 'COMMAND', source: '10.0.0.9', detail: 'no token' };
    for (let minute = 0; minute < 170; minute += 1) {
      for (let times = 0; times < 60; times += 1) audit.refuse(refused);
      clock.pass(60 * SECOND);
    }

    audit.prune();

    expect(audit.list({ limit: 9, commandId: 'c' })).toHaveLength(1);
    expect(audit.list({ limit: 20_000, commandId: '' })).toHaveLength(10_000);
  });
});
