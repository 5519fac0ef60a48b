import type { NodeView } from '../../views.ts';
import type { Fleet } from './fleet.ts';
import { counted } from './quantity.ts';
import { HEALTH, healthOf, nameOf } from './words.ts';

/** More at once are told as a number: a screen reader that reads a list aloud for minutes is of no use. */
const TOLD_BY_NAME = 3;

const newsOf = (before: NodeView | undefined, node: NodeView): string | undefined => {
  const name = nameOf(node);
  if (before === undefined) return node.state === 'gone' ? undefined : `${name} has joined`;
  if (before.state !== node.state) return `${name} is ${node.state}`;
  if (before.interruption === null && node.interruption !== null) return `${name} will be interrupted by EC2`;
  return before.health === node.health ? undefined : `${name} is ${HEALTH[healthOf(node)]}`;
};

/**
 * What somebody who does not look at the page should hear of: who came, whose state or health changed. Numbers that move
 * all the time are no news, and neither is the first picture of the fleet.
 */
export const newsBetween = (before: Fleet, after: Fleet): string => {
  if (before.version === '' || before.nodes === after.nodes) return '';
  const news = [...after.nodes.values()].flatMap((node) => {
    const former = before.nodes.get(node.id);
    return former === node ? [] : (newsOf(former, node) ?? []);
  });
  const forgotten = [...before.nodes.values()].filter(({ id, state }) => state !== 'gone' && !after.nodes.has(id));
  const all = [...news, ...forgotten.map((node) => `${nameOf(node)} has gone`)];
  return all.length > TOLD_BY_NAME ? `${counted(all.length, 'node')} changed` : all.join(', ');
};
