import { describe, expect, it } from 'vitest';
import type { HeldImage } from '../../../cli/ami/inventory.ts';
import { type PruneRules, planPrune } from '../../../cli/ami/plan-prune.ts';
import { NOW } from '../support/builders.ts';
import { aHeldImage, daysAgo } from '../support/images.ts';

const RULES: PruneRules = { keep: 1, image: undefined, unclaimed: false, fleet: 'carrierarr', now: NOW };

const newest = aHeldImage({ id: 'ami-newest', createdAt: daysAgo(1) });

/** Verdicts of an image that has a newer brother. */
const reasonsFor = (overrides: Partial<HeldImage>, rules: Partial<PruneRules> = {}): readonly string[] => {
  const verdicts = planPrune([newest, aHeldImage({ id: 'ami-old', ...overrides })], { ...RULES, ...rules });
  return verdicts.find(({ image }) => image.id === 'ami-old')?.reasons ?? ['not considered'];
};

const tagged = (tags: Record<string, string>): Partial<HeldImage> => ({ tags: { ...aHeldImage().tags, ...tags } });

describe('the plan of a prune', () => {
  it('lets an old, unused image of the fleet go', () => {
    expect(reasonsFor({})).toEqual([]);
  });

  it.each<[string, Partial<HeldImage>, string]>([
    ['something refers to it', { usedBy: ['worker gpu-7', 'instance i-1'] }, 'worker gpu-7'],
    ['somebody keeps it', tagged({ 'carrierarr:keep': 'true' }), 'tagged carrierarr:keep=true'],
    ['the mark is empty', tagged({ 'carrierarr:keep': '' }), 'tagged carrierarr:keep='],
    ['it is young', { createdAt: new Date(NOW.getTime() - 59 * 60_000) }, 'younger than an hour'],
    ['it is still being made', { state: 'pending' }, 'pending'],
    ['no fleet has published it', { fleet: undefined }, 'no fleet has published it (--unclaimed)'],
    ['it is of another fleet', { fleet: 'other' }, 'of fleet other'],
    ['it does not say what it is', { image: undefined }, 'not tagged carrierarr:image'],
  ])('keeps one where %s', (_, overrides, reason) => {
    expect(reasonsFor(overrides)).toContain(reason);
  });

  it('takes one that no fleet has published when told so', () => {
    expect(reasonsFor({ fleet: undefined }, { unclaimed: true })).toEqual([]);
  });

  it('keeps the newest of each kind, a failed one not counted', () => {
    const images = [
      aHeldImage({ id: 'failed', state: 'failed', createdAt: daysAgo(1) }),
      aHeldImage({ id: 'first', createdAt: daysAgo(2) }),
      aHeldImage({ id: 'base', image: 'base', createdAt: daysAgo(3) }),
      aHeldImage({ id: 'second', createdAt: daysAgo(4) }),
      aHeldImage({ id: 'third', createdAt: daysAgo(5) }),
    ];

    const going = planPrune(images, { ...RULES, keep: 2 }).filter(({ reasons }) => reasons.length === 0);

    expect(going.map(({ image }) => image.id)).toEqual(['failed', 'third']);
  });

  it('considers one kind only where one is named', () => {
    expect(reasonsFor({ image: 'base' }, { image: 'gpu-worker' })).toEqual(['not considered']);
  });

  it('keeps what is marked as published and is not any more, and says that the mark is stale', () => {
    const [, verdict] = planPrune([newest, aHeldImage(tagged({ 'carrierarr:keep': 'published' }))], RULES);

    expect(verdict).toMatchObject({ staleMark: true, reasons: ['tagged carrierarr:keep=published'] });
  });

  it.each<[string, Partial<HeldImage>]>([
    ['a parameter names', { ...tagged({ 'carrierarr:keep': 'published' }), publishedAs: ['gpu-worker'] }],
    ['somebody keeps', tagged({ 'carrierarr:keep': 'true' })],
    ['another fleet has marked', { ...tagged({ 'carrierarr:keep': 'published' }), fleet: 'other' }],
  ])('leaves the mark on an image that %s', (_, overrides) => {
    expect(planPrune([aHeldImage(overrides)], RULES)[0]?.staleMark).toBe(false);
  });
});
