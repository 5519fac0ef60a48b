import { beforeAll, describe, expect, it } from 'vitest';
import { HOMELAB_STEPS, OPERATIONS, STEPS, type Step } from '#contract';
import { DEFAULT, die, EVERYTHING, live, SEED, WITHOUT_LIQO } from './support/lives.ts';
import { FENCED_GPU_WORKER, FENCED_LIGHTHOUSE, type World } from './support/replies.ts';
import type { Call, Walk } from './support/walk.ts';

describe('every call', () => {
  const STEP_TABLE: Readonly<Record<string, Step>> = { ...STEPS, ...HOMELAB_STEPS };
  const worlds: World[] = [{ role: 'lighthouse' }, { role: 'gpu-worker' }];
  const failing = { PeerClustersPoll: 'PeeringFailedError', UnpeerUserPoll: 'StepFailedError' };
  let calls: readonly Call[];
  beforeAll(async () => {
    const walks = [DEFAULT, EVERYTHING, SEED, WITHOUT_LIQO].flatMap((machines) => [
      ...worlds.map((world) => live({ ...world, rounds: 2 }, machines)),
      ...[FENCED_LIGHTHOUSE, FENCED_GPU_WORKER].map((fenced) => die({ fenced }, machines)),
      die({ fenced: FENCED_LIGHTHOUSE, failing }, machines),
    ]);
    calls = (await Promise.all(walks)).flatMap((walked) => walked.calls);
  });

  it('has input that fits the contract', () => {
    for (const { state, capability, operation, payload } of calls) {
      const { operation: _, ...input } = payload;
      const known: Record<string, { input: { safeParse: (value: unknown) => { success: boolean } } }> =
        OPERATIONS[capability];

      expect(known[operation]?.input.safeParse(input), state).toMatchObject({ success: true });
    }
  });

  it('of a step gives every parameter that the step wants, as it wants it, and no other', () => {
    const starts = calls.filter(({ operation }) => operation === 'start');

    expect(new Set(starts.map(({ payload }) => String(payload.step))).size).toBeGreaterThan(20);
    for (const { payload } of starts) {
      const parameters: Step['parameters'] = STEP_TABLE[String(payload.step)]?.parameters ?? {};
      const given = payload.parameters as Record<string, string>;
      const needed = Object.keys(parameters).filter((name) => parameters[name]?.default === undefined);

      expect(Object.keys(parameters), String(payload.step)).toEqual(expect.arrayContaining(Object.keys(given)));
      expect(Object.keys(given), String(payload.step)).toEqual(expect.arrayContaining(needed));
      for (const [name, value] of Object.entries(given).filter(([, text]) => text !== '<import>')) {
        expect(value, `${String(payload.step)} ${name}`).toMatch(new RegExp(parameters[name]?.allowedPattern ?? '$^'));
        expect(value.length).toBeLessThanOrEqual(parameters[name]?.maxChars ?? 0);
      }
    }
  });
});

describe('what a life costs', () => {
  /** With nodes that are done at the first look: what is entered and called in any case. */
  const costs = ({ states, calls }: Walk) => ({ states: states.length, calls: calls.length });

  it.each([
    ['lighthouse', FENCED_LIGHTHOUSE],
    ['gpu-worker', FENCED_GPU_WORKER],
  ] as const)('of a %s, in states entered and Lambda calls, is what it was', async (role, fenced) => {
    const alone = { role, homelab: false };

    expect({
      provision: costs(await live({ role })),
      'provision without homelab': costs(await live(alone, WITHOUT_LIQO)),
      teardown: costs(await die({ role, fenced })),
    }).toMatchSnapshot();
  });
});
