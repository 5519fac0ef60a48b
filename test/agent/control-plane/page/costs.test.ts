import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  costOf,
  costSoFar,
  formatDollars,
  formatHourly,
  NO_PRICES,
  readPrices,
} from '../../../../agent/control-plane/page/model/prices.ts';
import { summarise } from '../../../../agent/control-plane/page/model/summary.ts';
import { gpuView, nodeView } from './builders.ts';

const PRICES = readPrices(JSON.parse(readFileSync('agent/control-plane/page/prices.json', 'utf8')));

describe('the list of prices', () => {
  it('is dated and knows the types that the fleet starts by default', () => {
    expect(PRICES.asOf).toMatch(/^\d{4}-\d{2}$/);
    expect(PRICES.hourly).toMatchObject({ 'g4dn.xlarge': 0.526, 'g5.xlarge': 1.006, 't3.small': 0.0208 });
  });

  it.each([null, 'text', 7, [], { hourly: 3 }])('is empty where an operator’s own is %j', (value) => {
    expect(readPrices(value)).toEqual(NO_PRICES);
  });

  it('leaves out what is no price', () => {
    const prices = readPrices({ asOf: '2026-08', hourly: { good: 1, text: '2', negative: -1 } });

    expect(prices.hourly).toEqual({ good: 1 });
  });
});

describe('the cost of a node', () => {
  it('is the list price on demand', () => {
    expect(formatHourly(costOf(nodeView({ market: 'on-demand' }), PRICES))).toBe('$0.53/h');
  });

  it('is at most the list price on Spot', () => {
    expect(formatHourly(costOf(nodeView({ market: 'spot' }), PRICES))).toBe('≤ $0.53/h');
  });

  it.each([
    ['a type that the list does not hold', { instance_type: 'x9.huge' }],
    ['a name that every object has', { instance_type: 'constructor' }],
    ['a region with other prices', { region: 'eu-central-1' }],
    ['an agent that tells no type', { instance_type: '' }],
  ])('is unknown for %s', (_, overrides) => {
    expect(formatHourly(costOf(nodeView(overrides), PRICES))).toBe('cost unknown');
  });

  it('is taken from the list where a known agent tells no region', () => {
    expect(costOf(nodeView({ region: '' }), PRICES)).toEqual({ hourly: 0.526, atMost: true });
  });

  it('counts at least a minute', () => {
    expect(costSoFar({ hourly: 60, atMost: false }, 3)).toBe(1);
    expect(costSoFar({ hourly: 60, atMost: false }, 7200)).toBe(120);
  });

  it.each([
    [0.0208, '$0.021'],
    [0.526, '$0.53'],
    [1234.5, '$1,234.50'],
    [0, '$0.00'],
  ])('%d dollars read %s', (dollars, text) => {
    expect(formatDollars(dollars)).toBe(text);
  });
});

describe('the summary', () => {
  it('counts states, health, GPUs and models of what is there', () => {
    const summary = summarise(
      [
        nodeView({ id: 'a' }),
        nodeView({ id: 'b', health: 'HEALTH_STATE_DEGRADED', gpus: [gpuView({ utilization: 80 })] }),
        nodeView({ id: 'c', state: 'stale' }),
        nodeView({ id: 'd', state: 'dead', instance_type: 'x9.huge' }),
        nodeView({ id: 'e', state: 'gone' }),
      ],
      PRICES,
    );

    expect(summary).toMatchObject({
      total: 4,
      states: { online: 2, stale: 1, dead: 1, gone: 1 },
      healthy: 1,
      degraded: 1,
      unhealthy: 0,
      gpus: 4,
      loadedModels: 2,
      unpriced: 1,
      interrupted: 0,
    });
    expect(summary.utilization).toBeCloseTo(0.6);
  });

  it('counts what a dead agent’s machine may cost, and nothing of one that is gone', () => {
    const { cost } = summarise([nodeView({ state: 'dead' }), nodeView({ id: 'b', state: 'gone' })], PRICES);

    expect(cost).toEqual({ hourly: 0.526, atMost: true });
  });

  it('knows no utilisation where no GPU reports', () => {
    expect(summarise([nodeView({ gpus: [] })], PRICES).utilization).toBeUndefined();
  });
});
