import { describe, expect, it } from 'vitest';
import { NO_PRICES } from '../../../../agent/control-plane/page/model/prices.ts';
import { EVERYTHING, type Selection, selectNodes } from '../../../../agent/control-plane/page/model/select.ts';
import type { NodeView } from '../../../../agent/control-plane/views.ts';
import { ago, nodeView } from './builders.ts';

const PRICES = { ...NO_PRICES, regions: ['us-west-2'], hourly: { 'g4dn.xlarge': 0.5, 'g5.xlarge': 1 } };

const named = (worker: string, overrides: Partial<NodeView> = {}): NodeView =>
  nodeView({ id: `host-of-${worker}`, worker, ...overrides });

const shown = (nodes: readonly NodeView[], selection: Partial<Selection> = {}): string[] =>
  selectNodes(nodes, { ...EVERYTHING, ...selection }, PRICES).map(({ worker }) => worker);

describe('the order of nodes', () => {
  it('puts what needs somebody first: interrupted, dead, then stale and degraded, then the rest', () => {
    const nodes = [
      named('fine'),
      named('degraded', { health: 'HEALTH_STATE_DEGRADED' }),
      named('dead', { state: 'dead' }),
      named('stale', { state: 'stale' }),
      named('interrupted', { interruption: { action: 'terminate', time: ago(-60), noticed_at: null } }),
    ];

    expect(shown(nodes)).toEqual(['interrupted', 'dead', 'degraded', 'stale', 'fine']);
  });

  it('counts like people within names', () => {
    expect(shown([named('gpu-10'), named('gpu-9'), named('gpu-2')])).toEqual(['gpu-2', 'gpu-9', 'gpu-10']);
  });

  it('can be by cost, dearest first and unknown last', () => {
    const nodes = [named('a'), named('b', { instance_type: 'g5.xlarge' }), named('c', { instance_type: 'x9.huge' })];

    expect(shown(nodes, { order: 'cost' })).toEqual(['b', 'a', 'c']);
  });

  it('can be by idle time, longest first and unknown last', () => {
    const silent = { ...named('silent') };
    delete silent.idle_seconds;
    const nodes = [silent, named('busy', { idle_seconds: 0 }), named('idle', { idle_seconds: 900 })];

    expect(shown(nodes, { order: 'idle' })).toEqual(['idle', 'busy', 'silent']);
  });
});

describe('the choice of nodes', () => {
  const nodes = [
    named('gpu-1', { nebula_ip: '10.100.2.1' }),
    named('light', { type: 'NODE_TYPE_LIGHTHOUSE', models: [] }),
    named('late', { state: 'stale' }),
    named('former', { state: 'gone' }),
  ];

  it('leaves out what is gone, unless that is asked for', () => {
    expect(shown(nodes)).not.toContain('former');
    expect(shown(nodes, { state: 'gone' })).toEqual(['former']);
  });

  it.each([
    ['a name', 'GPU-1', ['gpu-1']],
    ['an address', '10.100.2.1', ['gpu-1']],
    ['a model', 'llama3', ['late', 'gpu-1']],
    ['every word of several', 'llama3 late', ['late']],
    ['a role', 'lighthouse', ['light']],
    ['what is nowhere', 'zebra', []],
  ])('finds %s', (_, text, expected) => {
    expect(shown(nodes, { text })).toEqual(expected);
  });

  it('takes text for text', () => {
    expect(shown(nodes, { text: '.*' })).toEqual([]);
  });

  it('can be by role and by state', () => {
    expect(shown(nodes, { role: 'NODE_TYPE_LIGHTHOUSE' })).toEqual(['light']);
    expect(shown(nodes, { state: 'stale' })).toEqual(['late']);
  });
});
