import { describe, expect, it } from 'vitest';
import { judgeIdle } from '../../../lambda/observe/judge-idle.ts';
import { aFleet, aReadyWorker } from './builders.ts';

const AGENT = { idleMinutes: 0.2, idleWarningMinutes: 0.1 };
const at = (seconds: number) => new Date(Date.parse('2026-11-21T10:00:00.000Z') + seconds * 1000);

describe('judging a spell of seconds', () => {
  it('keeps its proportions: warned after six, gone after twelve', async () => {
    const row = await aReadyWorker(aFleet());
    const look = (seconds: number, idle = row.idle) => {
      const seen = { observedAt: at(seconds).toISOString(), idleSeconds: seconds };
      return judgeIdle(AGENT, { ...row, idle }, seen, at(seconds));
    };

    const first = look(2);
    const second = look(6, first.spell);
    const third = look(9, second.spell);
    const fourth = look(12, third.spell);

    expect([first, second, third, fourth].map(({ verdict }) => verdict)).toEqual(['early', 'warn', 'wait', 'teardown']);
  });

  it('counts from the reservation on in a row that an earlier version wrote', async () => {
    const { readyAt: _, ...row } = await aReadyWorker(aFleet());

    const { spell } = judgeIdle(AGENT, row, { observedAt: at(5).toISOString(), idleSeconds: 900 }, at(5));

    expect(spell.since).toBe(row.reservedAt);
  });
});
