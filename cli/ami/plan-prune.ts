import { type Image, TAG } from '#contract';
import type { HeldImage } from './inventory.ts';
import { isMarked } from './tags.ts';

export interface PruneRules {
  /** Newest images of each kind that stay. */
  readonly keep: number;
  /** Only this kind. */
  readonly image: Image | undefined;
  /** Those too that no fleet has published. */
  readonly unclaimed: boolean;
  readonly fleet: string;
  readonly now: Date;
}

export interface Verdict {
  readonly image: HeldImage;
  /** Why it stays; empty if it may go. */
  readonly reasons: readonly string[];
  /** Marked as published, and no parameter names it any more. */
  readonly staleMark: boolean;
}

/** An image this young may be about to be published. */
const MINIMUM_AGE_MILLISECONDS = 60 * 60 * 1000;

const USELESS: readonly string[] = ['failed', 'invalid', 'error'];
const SETTLED: readonly string[] = ['available', 'disabled', ...USELESS];

const reasonsOf = (image: HeldImage, newest: ReadonlySet<string>, rules: PruneRules): string[] => {
  const { keep, unclaimed, fleet, now } = rules;
  const mark = image.tags[TAG.keep];
  const when = (applies: boolean, reason: string): string[] => (applies ? [reason] : []);
  return [
    ...image.usedBy,
    ...when(mark !== undefined, `tagged ${TAG.keep}=${mark}`),
    ...when(image.fleet === undefined && !unclaimed, 'no fleet has published it (--unclaimed)'),
    ...when(image.fleet !== undefined && image.fleet !== fleet, `of fleet ${image.fleet}`),
    ...when(image.image === undefined, `not tagged ${TAG.image}`),
    ...when(now.getTime() - image.createdAt.getTime() < MINIMUM_AGE_MILLISECONDS, 'younger than an hour'),
    ...when(!SETTLED.includes(image.state), image.state),
    ...when(newest.has(image.id), `one of the newest ${keep}`),
  ];
};

/** Those of each kind that are kept for their age; a failed one is of no use to anybody and does not count. */
const newestOf = (images: readonly HeldImage[], keep: number): ReadonlySet<string> => {
  const counts = new Map<string, number>();
  const newest = new Set<string>();
  for (const { id, image = '', state } of images) {
    const count = counts.get(image) ?? 0;
    if (USELESS.includes(state) || count >= keep) continue;
    counts.set(image, count + 1);
    newest.add(id);
  }
  return newest;
};

/** What would become of each image, newest first. Pure: doing it is another matter. */
export const planPrune = (images: readonly HeldImage[], rules: PruneRules): Verdict[] => {
  const chosen = images.filter(({ image }) => rules.image === undefined || image === rules.image);
  const newest = newestOf(chosen, rules.keep);
  return chosen.map((image) => ({
    image,
    reasons: reasonsOf(image, newest, rules),
    staleMark: isMarked(image) && image.publishedAs.length === 0 && image.fleet === rules.fleet,
  }));
};
