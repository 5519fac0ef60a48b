import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { CommandDesk } from '../../../../agent/control-plane/commands/desk.ts';
import { Audit } from '../../../../agent/control-plane/store/audit.ts';
import { CommandStore } from '../../../../agent/control-plane/store/command-store.ts';
import { openDatabase } from '../../../../agent/control-plane/store/database.ts';
import { CommandResultSchema, type ControlMessage } from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { FakeClock, HOUR, SECOND } from '../support/fake-clock.ts';

class FakeOutlet {
  readonly sent: ControlMessage[] = [];
  readonly knowsIds: boolean;
  full = false;
  constructor(knowsIds = true) {
    this.knowsIds = knowsIds;
  }
  send(message: ControlMessage): boolean {
    if (!this.full) this.sent.push(message);
    return !this.full;
  }
  commands(): string[] {
    return this.sent.flatMap(({ payload }) => (payload.case === 'command' ? [payload.value.commandId] : []));
  }
  acks(): string[] {
    return this.sent.flatMap(({ payload }) => (payload.case === 'ack' ? [payload.value.messageId] : []));
  }
}

const DRAIN = { type: 'DRAIN', args: { force: 'no' }, timeoutSeconds: 60, source: '10.0.0.1' } as const;
const NODE = 'node-1';

const aDesk = () => {
  const clock = new FakeClock();
  const database = openDatabase(
    ':memory:',
    () => {},
    () => clock.now(),
  );
  const audit = new Audit(database, () => clock.now(), 90);
  const start = () =>
    new CommandDesk({
      ...{ clock, store: new CommandStore(database), audit, count: () => {} },
      log: (level, event) => void (level === 'error' && lines.push(event)),
    });
  const lines: string[] = [];
  /** A disk that is full, or whose volume went read-only, and one that is well again. */
  const setDisk = (state: 'full' | 'well') => database.exec(`PRAGMA query_only = ${state === 'full' ? 1 : 0}`);
  const told = (commandId: string) =>
    audit
      .list({ limit: 100, commandId })
      .map(({ event }) => event)
      .reverse();
  const last = () => audit.list({ limit: 1 })[0];
  return { clock, audit, start, told, last, lines, setDisk, desk: start() };
};

const result = (commandId: string, overrides = {}) =>
  create(CommandResultSchema, { commandId, success: true, stdout: 'drained', ...overrides });

describe('a command', () => {
  it('goes out once, and its result is kept and acknowledged', () => {
    const { desk, told, last } = aDesk();
    const outlet = new FakeOutlet();
    desk.attach(NODE, outlet);

    const { commandId, sent } = desk.submit([NODE], DRAIN);
    desk.result(NODE, result(commandId));

    expect(sent).toBe(1);
    expect(outlet.sent[0]?.payload.value).toMatchObject({
      commandId,
      type: 3,
      args: { force: 'no' },
      timeoutSeconds: 60,
    });
    expect(outlet.acks()).toEqual([commandId]);
    expect(told(commandId)).toEqual(['accepted', 'delivered', 'result']);
    expect(JSON.parse(last()?.detail ?? '')).toMatchObject({ success: true, stdout: 'drained' });
  });

  it('to a node without a stream is refused, and the refusal is kept', () => {
    const { desk, told } = aDesk();

    const { commandId, sent } = desk.submit([NODE], DRAIN);

    expect(sent).toBe(0);
    expect(told(commandId)).toEqual(['refused']);
  });

  it('to an agent that does not read is refused, and never comes later', () => {
    const { desk, told } = aDesk();
    const stuck = new FakeOutlet();
    stuck.full = true;
    desk.attach(NODE, stuck);

    const { commandId, sent } = desk.submit([NODE], DRAIN);
    const next = new FakeOutlet();
    desk.attach(NODE, next);

    expect(sent).toBe(0);
    expect(told(commandId)).toEqual(['accepted', 'refused']);
    expect(next.commands()).toEqual([]);
  });

  it('is one of ten that a node may have open', () => {
    const { desk } = aDesk();
    const outlet = new FakeOutlet();
    desk.attach(NODE, outlet);
    const ids = Array.from({ length: 10 }, () => desk.submit([NODE], DRAIN).commandId);

    expect(desk.submit([NODE], DRAIN).sent).toBe(0);
    desk.result(NODE, result(ids[0] ?? ''));

    expect(desk.submit([NODE], DRAIN).sent).toBe(1);
  });

  it('to all goes to each that has a stream, under one id', () => {
    const { desk } = aDesk();
    const [one, two] = [new FakeOutlet(), new FakeOutlet()];
    desk.attach('a', one);
    desk.attach('b', two);

    const { commandId, sent } = desk.submit(['a', 'b', 'c'], DRAIN);

    expect(sent).toBe(2);
    expect([one.commands(), two.commands()]).toEqual([[commandId], [commandId]]);
  });
});

describe('a torn stream', () => {
  it('leads to the same command over the next one, under the same id', () => {
    const { desk, told, clock } = aDesk();
    const first = new FakeOutlet();
    desk.attach(NODE, first);
    const { commandId } = desk.submit([NODE], DRAIN);
    desk.detach(NODE, first);
    clock.pass(20 * SECOND);

    const second = new FakeOutlet();
    desk.attach(NODE, second);

    expect(second.commands()).toEqual([commandId]);
    expect(told(commandId)).toEqual(['accepted', 'delivered', 'delivered']);
  });

  it('leads to nothing at agents that would run a command twice', () => {
    const { desk } = aDesk();
    desk.attach(NODE, new FakeOutlet(false));
    desk.submit([NODE], DRAIN);

    const second = new FakeOutlet(false);
    desk.attach(NODE, second);

    expect(second.commands()).toEqual([]);
  });

  it.each(['REBOOT', 'SHUTDOWN', 'EXEC'] as const)('never leads to a second %s: the agent may be a new one', (type) => {
    const { desk, told, clock } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], { ...DRAIN, type, args: {} });

    const second = new FakeOutlet();
    desk.attach(NODE, second);
    clock.pass(75 * SECOND);
    desk.sweep();

    expect(second.commands()).toEqual([]);
    expect(told(commandId)).toEqual(['accepted', 'delivered', 'timed-out']);
  });

  it('of before does not unhook the stream of now', () => {
    const { desk } = aDesk();
    const [first, second] = [new FakeOutlet(), new FakeOutlet()];
    desk.attach(NODE, first);
    desk.attach(NODE, second);

    desk.detach(NODE, first);

    expect(desk.submit([NODE], DRAIN).sent).toBe(1);
  });
});

describe('a result', () => {
  it('counts once, and is acknowledged each time', () => {
    const { desk, told } = aDesk();
    const outlet = new FakeOutlet();
    desk.attach(NODE, outlet);
    const { commandId } = desk.submit([NODE], DRAIN);

    desk.result(NODE, result(commandId));
    desk.result(NODE, result(commandId, { success: false }));

    expect(outlet.acks()).toEqual([commandId, commandId]);
    expect(told(commandId)).toEqual(['accepted', 'delivered', 'result']);
  });

  it('of another node’s command counts nothing', () => {
    const { desk, told } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], DRAIN);

    desk.result('node-2', result(commandId));

    expect(told(commandId)).toEqual(['accepted', 'delivered']);
  });

  it('that comes too late is kept as late', () => {
    const { desk, told, clock, last } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], DRAIN);

    clock.pass(74 * SECOND);
    desk.sweep();
    expect(told(commandId)).toEqual(['accepted', 'delivered']);
    clock.pass(SECOND);
    desk.sweep();
    desk.result(NODE, result(commandId));

    expect(told(commandId)).toEqual(['accepted', 'delivered', 'timed-out', 'result']);
    expect(JSON.parse(last()?.detail ?? '')).toMatchObject({ late: true });
  });

  it('of great length is kept by its end', () => {
    const { desk, last } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], DRAIN);

    desk.result(NODE, result(commandId, { stdout: `${'x'.repeat(500_000)}the end` }));

    expect(JSON.parse(last()?.detail ?? '').stdout).toMatch(/^x{3493}the end$/);
  });
});

describe('a restart', () => {
  it('remembers what is open: it is delivered again within its time, and takes the result', () => {
    const { start, desk, told, clock } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], DRAIN);
    clock.pass(30 * SECOND);

    const next = start();
    const outlet = new FakeOutlet();
    next.attach(NODE, outlet);
    next.result(NODE, result(commandId));

    expect(outlet.commands()).toEqual([commandId]);
    expect(told(commandId)).toEqual(['accepted', 'delivered', 'delivered', 'result']);
  });

  it.each([
    ['after its time', HOUR],
    ['after the wall’s clock went back', -HOUR],
  ])('%s gives no command more than its time', (_, jump) => {
    const { start, desk, told, clock } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], DRAIN);
    clock.jump(jump);

    const next = start();
    clock.pass(75 * SECOND);
    next.sweep();

    expect(told(commandId)).toEqual(['accepted', 'delivered', 'timed-out']);
  });
});

describe('a disk that takes nothing', () => {
  it('tears no stream and ends nothing: what was sent still gets its result or its end', () => {
    const { desk, clock, lines, setDisk } = aDesk();
    const outlet = new FakeOutlet();
    desk.attach(NODE, outlet);
    const { commandId } = desk.submit([NODE], DRAIN);
    desk.submit([NODE], DRAIN);
    setDisk('full');

    desk.result(NODE, result(commandId));
    desk.attach(NODE, new FakeOutlet());
    clock.pass(HOUR);
    desk.sweep();
    desk.forget(NODE);

    expect(outlet.acks()).toEqual([commandId]);
    expect(new Set(lines)).toEqual(new Set(['commands are not kept', 'audit is not kept']));
  });

  it('refuses what is new, and takes it again afterwards', () => {
    const { desk, setDisk } = aDesk();
    const outlet = new FakeOutlet();
    desk.attach(NODE, outlet);
    setDisk('full');

    expect(() => desk.submit([NODE], DRAIN)).toThrow(/readonly/);
    setDisk('well');

    expect(desk.submit([NODE], DRAIN).sent).toBe(1);
    expect(outlet.commands()).toHaveLength(1);
  });
});

describe('a model that is pulled', () => {
  it('has as long as its agent gives it', () => {
    const { desk, told, clock } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], { ...DRAIN, type: 'PULL_MODEL', timeoutSeconds: 0 });

    clock.pass(30 * 60 * SECOND);
    desk.sweep();
    expect(told(commandId)).toEqual(['accepted', 'delivered']);
    clock.pass(15 * SECOND);
    desk.sweep();

    expect(told(commandId)).toEqual(['accepted', 'delivered', 'timed-out']);
  });
});

describe('a node that is another one now', () => {
  it('gets nothing of what was meant for the one before', () => {
    const { desk, told } = aDesk();
    desk.attach(NODE, new FakeOutlet());
    const { commandId } = desk.submit([NODE], DRAIN);

    desk.forget(NODE);
    const outlet = new FakeOutlet();
    desk.attach(NODE, outlet);

    expect(outlet.commands()).toEqual([]);
    expect(told(commandId)).toEqual(['accepted', 'delivered', 'forgotten']);
  });
});
