import { describe, expect, it } from 'vitest';
import { aDesk, DRAIN, FakeOutlet, NODE, result } from '../support/a-desk.ts';
import { HOUR, SECOND } from '../support/fake-clock.ts';

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
