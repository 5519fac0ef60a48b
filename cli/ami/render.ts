import { TAG } from '#contract';
import { formatAge } from '../render/duration.ts';
import type { Column } from '../render/table.ts';
import { dollarsPerMonth, type HeldImage } from './inventory.ts';
import { isMarked } from './tags.ts';

/** Tags of versions, in the order in which they are shown. */
const VERSIONS = ['nebula', 'k3s', 'nvidia-driver', 'ollama'] as const;

export const versionsOf = ({ tags }: HeldImage): Record<string, string> =>
  Object.fromEntries(
    VERSIONS.flatMap((name) => {
      const value = tags[`carrierarr:${name}-version`];
      return value === undefined ? [] : [[name, value]];
    }),
  );

export const gibText = (gib: number): string => gib.toFixed(1);

export const dollarsText = (gib: number): string => `$${dollarsPerMonth(gib).toFixed(2)}`;

/** One phrase for everything that keeps the image. */
const usersOf = (image: HeldImage): string => {
  const mark = image.tags[TAG.keep];
  const kept = mark === undefined || isMarked(image) ? [] : [`kept: ${mark}`];
  const stale = isMarked(image) && image.publishedAs.length === 0 ? ['was published'] : [];
  return [...image.usedBy, ...kept, ...stale].join(', ');
};

const stateOf = ({ state, fleet }: HeldImage): string => {
  if (state !== 'available') return state;
  return fleet === undefined ? 'unpublished' : state;
};

export const imageColumns = (now: Date): Column<HeldImage>[] => [
  { title: 'AMI', value: ({ id }) => id, style: () => 'bold' },
  { title: 'IMAGE', value: ({ image }) => image ?? '' },
  { title: 'NAME', value: ({ name }) => name },
  {
    title: 'STATE',
    value: stateOf,
    style: (image) => (stateOf(image) === 'available' ? 'green' : 'yellow'),
  },
  { title: 'AGE', value: ({ createdAt }) => formatAge(now.getTime() - createdAt.getTime()) },
  {
    title: 'VERSIONS',
    value: (image) =>
      Object.entries(versionsOf(image))
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
  },
  { title: 'GIB', value: ({ snapshotGib }) => gibText(snapshotGib) },
  { title: '$/MONTH', value: ({ snapshotGib }) => dollarsText(snapshotGib) },
  { title: 'USED BY', value: usersOf },
];

/** For machines. */
export const imageView = (image: HeldImage) => ({
  id: image.id,
  image: image.image ?? null,
  name: image.name,
  state: image.state,
  fleet: image.fleet ?? null,
  createdAt: image.createdAt.toISOString(),
  versions: versionsOf(image),
  builder: image.tags['carrierarr:builder'] ?? null,
  snapshots: image.snapshotIds,
  snapshotGib: image.snapshotGib,
  dollarsPerMonth: dollarsPerMonth(image.snapshotGib),
  usedBy: image.usedBy,
  publishedAs: image.publishedAs,
  keep: image.tags[TAG.keep] ?? null,
});
