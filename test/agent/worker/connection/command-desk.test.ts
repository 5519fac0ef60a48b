import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  type CommandResult,
  CommandSchema,
  CommandType,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { CommandDesk } from '../../../../agent/worker/connection/command-desk.ts';
import { LIMITS } from '../../../../agent/worker/connection/limits.ts';
import type { CommandRunner } from '../../../../agent/worker/ports.ts';
import { newTally } from '../../../../agent/worker/tally.ts';
import { FakeClock, soon } from '../support/clocks.ts';

const aDesk = (run: CommandRunner['run']) => {
  const clock = new FakeClock();
  const results: CommandResult[] = [];
  const tally = newTally();
  const desk = new CommandDesk({ runner: { run }, clock, limits: LIMITS, log: () => {}, tally });
  desk.onResult((result) => results.push(result));
  const take = (init: MessageInitShape<typeof CommandSchema>): void => desk.take(create(CommandSchema, init));
  return { clock, results, tally, desk, take };
};

const { PULL_MODEL, DRAIN, EXEC } = CommandType;

describe('a command', () => {
  it('is run, and its result carries its id and how long it took', async () => {
    const { clock, results, take } = aDesk(async () => {
      await clock.sleep(1500);
      return { success: true, stdout: 'done' };
    });

    take({ commandId: 'c1', type: DRAIN });
    await clock.advance(1500);

    expect(results).toMatchObject([{ commandId: 'c1', success: true, stdout: 'done', durationMs: 1500n }]);
  });

  it('waits for the one of its kind, and for no other', async () => {
    const running: string[] = [];
    const ends: Record<string, () => void> = {};
    const { results, take } = aDesk(({ commandId }) => {
      running.push(commandId);
      return new Promise((resolve) => {
        ends[commandId] = () => resolve({ success: true });
      });
    });

    take({ commandId: 'p1', type: PULL_MODEL });
    take({ commandId: 'p2', type: PULL_MODEL });
    take({ commandId: 'd1', type: DRAIN });
    await soon();
    const first = [...running];
    ends.p1?.();
    await soon();

    expect(first).toEqual(['p1', 'd1']);
    expect(running).toEqual(['p1', 'd1', 'p2']);
    expect(results.map(({ commandId }) => commandId)).toEqual(['p1']);
  });

  it.each([
    ['EXEC', EXEC, 0, 300_000],
    ['EXEC', EXEC, 10, 10_000],
    ['EXEC', EXEC, 100_000, 300_000],
    ['EXEC', EXEC, -5, 300_000],
    ['PULL_MODEL', PULL_MODEL, 0, 1_800_000],
    ['PULL_MODEL', PULL_MODEL, 100_000, 3_600_000],
  ])('%s (%i) with a time of %i s is told to end after %i ms', async (_, type, timeoutSeconds, milliseconds) => {
    let told: unknown;
    const { clock, results, take } = aDesk((_, signal) => {
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          told = signal.reason;
          resolve({ success: false, exitCode: 124, error: 'over' });
        });
      });
    });

    take({ commandId: 'c1', type, timeoutSeconds });
    await clock.advance(milliseconds - 1);
    const before = told;
    await clock.advance(1);

    expect(before).toBeUndefined();
    expect(told).toMatchObject({ name: 'TimeoutError' });
    expect(results).toMatchObject([{ exitCode: 124 }]);
  });

  it('that does not end when told to fails, and the next of its kind has its turn', async () => {
    const { clock, results, take } = aDesk(({ commandId }) =>
      commandId === 'c1' ? new Promise(() => {}) : Promise.resolve({ success: true }),
    );

    take({ commandId: 'c1', type: EXEC, timeoutSeconds: 10 });
    take({ commandId: 'c2', type: EXEC });
    await clock.advance(20_000);

    expect(results).toMatchObject([
      { commandId: 'c1', success: false, exitCode: 124, error: expect.stringContaining('took longer') },
      { commandId: 'c2', success: true },
    ]);
  });

  it('whose runner throws fails with the reason', async () => {
    const { results, tally, take } = aDesk(() => Promise.reject(new Error('no such service')));

    take({ commandId: 'c1', type: DRAIN });
    await soon();

    expect(results).toMatchObject([{ success: false, exitCode: 1, error: 'no such service' }]);
    expect(tally).toMatchObject({ commands: 1, commandFailures: 1 });
  });

  it.each([0, 9, 4711])('of type %i is answered honestly', (type) => {
    const { results, take } = aDesk(() => Promise.reject(new Error('never run')));

    take({ commandId: 'c1', type });

    expect(results).toMatchObject([{ success: false, exitCode: 2, error: expect.stringContaining('does not know') }]);
  });

  it('beyond ten of its kind is refused', async () => {
    const { results, take } = aDesk(() => new Promise(() => {}));

    for (let n = 1; n <= 11; n += 1) take({ commandId: `c${n}`, type: EXEC });
    await soon();

    expect(results).toMatchObject([{ commandId: 'c11', success: false, error: expect.stringContaining('later') }]);
  });

  it('is told that the agent ends', async () => {
    const { desk, results, take } = aDesk(
      (_, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve({ error: String(signal.reason) }))),
    );
    take({ commandId: 'c1', type: PULL_MODEL });
    await soon();

    desk.stop();
    await soon();

    expect(results).toMatchObject([{ error: 'Error: the agent is ending' }]);
  });
});

describe('a command that comes twice', () => {
  it('is not run twice, and answered once while it runs', async () => {
    let runs = 0;
    let end = (): void => {};
    const { results, take } = aDesk(() => {
      runs += 1;
      return new Promise((resolve) => {
        end = () => resolve({ success: true });
      });
    });

    take({ commandId: 'c1', type: DRAIN });
    take({ commandId: 'c1', type: DRAIN });
    await soon();
    end();
    await soon();

    expect(runs).toBe(1);
    expect(results).toHaveLength(1);
  });

  it('is answered from memory after its end', async () => {
    let runs = 0;
    const { results, take } = aDesk(async () => {
      runs += 1;
      return { success: true, stdout: `run ${runs}` };
    });
    take({ commandId: 'c1', type: DRAIN });
    await soon();

    take({ commandId: 'c1', type: DRAIN });
    await soon();

    expect(results.map(({ stdout }) => stdout)).toEqual(['run 1', 'run 1']);
  });
});

describe('results', () => {
  it('are owed until they are delivered', async () => {
    const { desk, take } = aDesk(async () => ({ success: true }));
    take({ commandId: 'c1', type: DRAIN });
    take({ commandId: 'c2', type: EXEC });
    await soon();

    desk.delivered('c1');

    expect(desk.undelivered.map(({ commandId }) => commandId)).toEqual(['c2']);
  });

  it('make room for new ones, the oldest first', async () => {
    const { desk, tally, take } = aDesk(async () => ({ success: true }));

    for (let n = 1; n <= 101; n += 1) {
      take({ commandId: `c${n}`, type: EXEC });
      await soon();
    }

    expect(desk.undelivered).toHaveLength(100);
    expect(desk.undelivered[0]?.commandId).toBe('c2');
    expect(tally.resultsDropped).toBe(1);
  });
});
