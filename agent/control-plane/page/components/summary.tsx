import { formatDollars, formatHourly } from '../model/prices.ts';
import { counted, formatPercent } from '../model/quantity.ts';
import type { Summary } from '../model/summary.ts';
import type { Look } from '../model/words.ts';

interface TileProps {
  readonly title: string;
  readonly value: string;
  readonly note: string;
  readonly look?: Look;
}

const Tile = ({ title, value, note, look = 'quiet' }: TileProps) => (
  <div class="tile">
    <dt>{title}</dt>
    <dd>
      <span class="value">{value}</span> <span class={`note ${look}`}>{note}</span>
    </dd>
  </div>
);

/** `2 stale, 1 dead`; zeros are left out. */
const listed = (...counts: readonly (readonly [count: number, word: string])[]): string =>
  counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ');

const nodesTile = ({ states, interrupted, total }: Summary): TileProps => {
  const trouble = listed([interrupted, 'interrupted'], [states.dead, 'dead'], [states.stale, 'stale']);
  const look = interrupted + states.dead > 0 ? 'bad' : 'warning';
  const calm = total === 0 ? 'none yet' : 'all online';
  return { title: 'Nodes', value: total.toLocaleString('en'), note: trouble || calm, look: trouble ? look : 'quiet' };
};

const healthTile = ({ states, healthy, degraded, unhealthy }: Summary): TileProps => {
  const trouble = listed([unhealthy, 'unhealthy'], [degraded, 'degraded']);
  const unknown = states.online - healthy - degraded - unhealthy;
  const calm = unknown > 0 ? `${unknown} not known` : `of ${states.online.toLocaleString('en')} online`;
  const look = unhealthy > 0 ? 'bad' : 'warning';
  return {
    title: 'Healthy',
    value: healthy.toLocaleString('en'),
    note: trouble || calm,
    look: trouble ? look : 'quiet',
  };
};

const gpuTile = ({ gpus, utilization, loadedModels }: Summary): TileProps => ({
  title: 'GPUs',
  value: gpus.toLocaleString('en'),
  note: [utilization === undefined ? '' : `${formatPercent(utilization)} busy`, counted(loadedModels, 'model')]
    .filter(Boolean)
    .join(', '),
});

const costTile = ({ cost, unpriced, total }: Summary): TileProps => {
  if (total > 0 && unpriced === total) return { title: 'Cost', value: 'unknown', note: 'no price of any type' };
  const day = `${cost.atMost ? '≤ ' : ''}${formatDollars(cost.hourly * 24)} a day`;
  const left = unpriced > 0 ? `, ${counted(unpriced, 'node')} unknown` : '';
  return { title: 'Cost', value: formatHourly(cost), note: day + left };
};

export const SummaryTiles = ({ summary }: { readonly summary: Summary }) => (
  <dl class="tiles">
    <Tile {...nodesTile(summary)} />
    <Tile {...healthTile(summary)} />
    <Tile {...gpuTile(summary)} />
    <Tile {...costTile(summary)} />
  </dl>
);
