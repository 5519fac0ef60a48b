import { describe, expect, it } from 'vitest';
import { aDesk, DRAIN, FakeOutlet, NODE, result } from '../support/a-desk.ts';
import { HOUR, SECOND } from '../support/fake-clock.ts';

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
