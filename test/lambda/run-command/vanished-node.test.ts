import { describe, expect, it } from 'vitest';
import { anInvocation, aVerdict, INSTANCE, NAME, withOpenCommand } from './builders.ts';

describe('a step whose node goes away', () => {
  const looks = async (statuses: readonly (string | undefined)[]) => {
    const world = await withOpenCommand();
    world.commands.invocations.set(world.poll.commandId, anInvocation({ status: 'InProgress' }));
    let asked = 0;
    world.commands.agent = async () => {
      const pingStatus = statuses[Math.min(asked, statuses.length - 1)];
      asked += 1;
      return pingStatus === undefined ? undefined : { pingStatus, version: '' };
    };
    return { ...world, asked: () => asked };
  };

  it.each([
    ['has lost its connection', 'ConnectionLost', 'ConnectionLost'],
    ['is not known any more', undefined, 'not registered'],
  ])('ends early when its agent %s at both of two looks', async (_, status, got) => {
    const { operations, registry, clock, poll } = await looks([status]);
    clock.advance(15_000);

    await expect(operations.poll(poll)).rejects.toMatchObject({
      name: 'StepUndeliverableError',
      what: `the node of step verify-nebula on ${NAME} is gone`,
      got: `agent of ${INSTANCE}: ${got}`,
    });
    expect((await registry.find(NAME))?.openCommand?.commandId).toBe(poll.commandId);
  });

  it('goes on when its agent is back at the second look', async () => {
    const { operations, clock, poll } = await looks(['ConnectionLost', 'Online']);
    clock.advance(15_000);

    await expect(operations.poll(poll)).resolves.toEqual({ done: false, result: {} });
  });

  it('is asked after only now and then, and never in its first seconds', async () => {
    const { operations, clock, poll, asked } = await looks(['Online']);
    const counts: number[] = [];
    for (const seconds of [14, 1, 6, 1, 22, 1]) {
      clock.advance(seconds * 1000);
      await operations.poll(poll);
      counts.push(asked());
    }

    expect(counts).toEqual([0, 1, 2, 2, 2, 3]);
  });

  it('is believed when it has ended all the same', async () => {
    const { operations, commands, clock, poll, asked } = await looks(['ConnectionLost']);
    commands.invocations.set(poll.commandId, anInvocation({ stdout: aVerdict() }));
    clock.advance(60_000);

    await expect(operations.poll(poll)).resolves.toMatchObject({ done: true });
    expect(asked()).toBe(0);
  });
});
