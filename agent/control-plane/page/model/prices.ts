import type { NodeView } from '../../views.ts';

/** `prices.json`: a dated list, which an operator may replace. */
export interface Prices {
  /** Month of the list, `2026-08`. */
  readonly asOf: string;
  /** Where these prices hold. */
  readonly regions: readonly string[];
  /** US dollars an hour, on demand, Linux, by instance type. */
  readonly hourly: Readonly<Record<string, number>>;
}

export const NO_PRICES: Prices = { asOf: '', regions: [], hourly: {} };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Reads a list of prices; what is no price is left out, so that it shows as unknown. */
export const readPrices = (value: unknown): Prices => {
  if (!isRecord(value)) return NO_PRICES;
  const { asOf, regions, hourly } = value;
  const prices = Object.entries(isRecord(hourly) ? hourly : {}).flatMap(([type, price]): [string, number][] =>
    typeof price === 'number' && price >= 0 ? [[type, price]] : [],
  );
  return {
    asOf: typeof asOf === 'string' ? asOf : '',
    regions: Array.isArray(regions) ? regions.filter((region) => typeof region === 'string') : [],
    hourly: Object.fromEntries(prices),
  };
};

export interface Cost {
  /** US dollars an hour. */
  readonly hourly: number;
  /** Spot: its price moves, and never above this one. */
  readonly atMost: boolean;
}

type Priced = Pick<NodeView, 'instance_type' | 'market' | 'region'>;

/** What a node costs an hour; undefined where the list does not say. A node that tells no region is taken to be in one listed. */
export const costOf = ({ instance_type: type, market, region }: Priced, prices: Prices): Cost | undefined => {
  const hourly = Object.hasOwn(prices.hourly, type) ? prices.hourly[type] : undefined;
  if (hourly === undefined || (region !== '' && !prices.regions.includes(region))) return undefined;
  return { hourly, atMost: market === 'spot' };
};

/** Made once: one of its own for each number would take longer than drawing it. */
const CENTS = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const MILLS = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 3 });

/** Cents, and a third digit where cents would say nothing. */
export const formatDollars = (dollars: number): string => `$${(dollars < 0.1 ? MILLS : CENTS).format(dollars)}`;

export const formatHourly = (cost: Cost | undefined): string =>
  cost === undefined ? 'cost unknown' : `${cost.atMost ? '≤ ' : ''}${formatDollars(cost.hourly)}/h`;

/** EC2 counts seconds, the first minute whole. */
export const costSoFar = ({ hourly }: Cost, seconds: number): number => (hourly * Math.max(60, seconds)) / 3600;
