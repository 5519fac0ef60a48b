import { describe, expect, it } from 'vitest';
import { requestTeardown } from '../../../../lambda/shared/doors/request-teardown.ts';
import { createMemoryDoors } from '../../../fake/doors.ts';
import { aReservedLife, executionArn, TEARDOWN_MACHINE } from '../../../fake/registry-builders.ts';

const NAME = 'gpu-worker-001';
const HOLDER = executionArn('holder', TEARDOWN_MACHINE);

describe('asking for a teardown', () => {
  it('starts one of a name of its own each time, with the life it means', async () => {
    const doors = createMemoryDoors();
    const { generation } = await aReservedLife(doors.registry, NAME);

    const first = await requestTeardown(doors, { name: NAME });
    const second = await requestTeardown(doors, { name: NAME, deregisterAmi: true });

    expect([first, second].map((result) => 'execution' in result && result.execution)).toEqual([
      executionArn(`${NAME}-${generation}-t1`, TEARDOWN_MACHINE),
      executionArn(`${NAME}-${generation}-t2`, TEARDOWN_MACHINE),
    ]);
    expect([...doors.executions.started.values()].map(({ input }) => JSON.parse(input))).toEqual([
      { name: NAME, generation, deregisterAmi: false },
      { name: NAME, generation, deregisterAmi: true },
    ]);
  });

  it('points to the one that is at it', async () => {
    const doors = createMemoryDoors();
    const life = await aReservedLife(doors.registry, NAME);
    await doors.registry.fence(life, HOLDER, 600);

    const result = await requestTeardown(doors, { name: NAME });

    expect(result).toMatchObject({ outcome: 'running', execution: HOLDER });
    expect(doors.executions.started.size).toBe(0);
  });

  it('starts another once the lease is over', async () => {
    const doors = createMemoryDoors();
    const life = await aReservedLife(doors.registry, NAME);
    await doors.registry.fence(life, HOLDER, 600);
    doors.clock.advance(600_000);

    expect(await requestTeardown(doors, { name: NAME })).toMatchObject({ outcome: 'started' });
  });

  it('starts none for a name nobody has, a life that is over, or a worker that is gone', async () => {
    const doors = createMemoryDoors();
    const life = await aReservedLife(doors.registry, NAME);

    const nobody = await requestTeardown(doors, { name: 'nobody' });
    const earlier = await requestTeardown(doors, { name: NAME, generation: 'aaaaaaaa' });
    await doors.registry.fence(life, HOLDER, 600);
    await doors.registry.markRemoved(life, HOLDER);
    const gone = await requestTeardown(doors, { name: NAME });

    expect([nobody.outcome, earlier.outcome, gone.outcome]).toEqual(['absent', 'removed', 'removed']);
    expect(doors.executions.started.size).toBe(0);
  });
});
