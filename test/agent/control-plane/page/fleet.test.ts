import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  type Change,
  type Fleet,
  UNKNOWN_FLEET,
} from '../../../../agent/control-plane/page/model/fleet.ts';
import { newsBetween } from '../../../../agent/control-plane/page/model/news.ts';
import type { NodeView } from '../../../../agent/control-plane/views.ts';
import { ago, helloOf, nodeView } from './builders.ts';

const fleetOf = (...nodes: readonly NodeView[]): Fleet =>
  applyChanges(UNKNOWN_FLEET, [{ kind: 'hello', hello: helloOf(...nodes) }]);

const idsOf = (fleet: Fleet): string[] => [...fleet.nodes.keys()];

const node = (id: string, overrides: Partial<NodeView> = {}): NodeView => nodeView({ id, worker: id, ...overrides });

describe('the fleet', () => {
  it('is replaced by a hello: what went away while the page was cut off does not stay', () => {
    const former = fleetOf(node('a'), node('b'));

    const after = applyChanges(former, [{ kind: 'hello', hello: helloOf(node('b'), node('c')) }]);

    expect(idsOf(after)).toEqual(['b', 'c']);
  });

  it('takes in changes in their order', () => {
    const changes: Change[] = [
      { kind: 'node', node: node('b') },
      { kind: 'gone', id: 'a' },
      { kind: 'node', node: node('b', { state: 'stale' }) },
      { kind: 'path', path: 'suspect' },
    ];

    const after = applyChanges(fleetOf(node('a')), changes);

    expect([...after.nodes.values()].map(({ id, state }) => [id, state])).toEqual([['b', 'stale']]);
    expect(after.path).toBe('suspect');
  });

  it('never changes in place, and keeps what did not change', () => {
    const former = fleetOf(node('a'), node('b'));

    const after = applyChanges(former, [{ kind: 'gone', id: 'a' }]);

    expect(idsOf(former)).toEqual(['a', 'b']);
    expect(after.nodes.get('b')).toBe(former.nodes.get('b'));
  });
});

describe('news', () => {
  const former = fleetOf(node('a'), node('b'));

  const newsAfter = (...changes: readonly Change[]): string => newsBetween(former, applyChanges(former, changes));

  it.each([
    ['who came', node('c'), 'c has joined'],
    ['a change of state', node('a', { state: 'dead' }), 'a is dead'],
    ['a change of health', node('a', { health: 'HEALTH_STATE_DEGRADED' }), 'a is degraded'],
    [
      'an interruption',
      node('a', { interruption: { action: 'stop', time: null, noticed_at: ago(0) } }),
      'a will be interrupted by EC2',
    ],
  ])('tell %s', (_, changed, text) => {
    expect(newsAfter({ kind: 'node', node: changed })).toBe(text);
  });

  it('tell who has gone', () => {
    expect(newsAfter({ kind: 'gone', id: 'a' })).toBe('a has gone');
  });

  it('are not made of numbers that move', () => {
    expect(newsAfter({ kind: 'node', node: node('a', { idle_seconds: 9999, last_seen: ago(0) }) })).toBe('');
  });

  it('are not made of the first picture', () => {
    expect(newsBetween(UNKNOWN_FLEET, former)).toBe('');
  });

  it('are a number when they are many', () => {
    const many = ['c', 'd', 'e', 'f'].map((id): Change => ({ kind: 'node', node: node(id) }));

    expect(newsAfter(...many)).toBe('4 nodes changed');
  });
});
