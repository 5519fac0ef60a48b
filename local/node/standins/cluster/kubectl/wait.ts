import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeObject, listAt, textAt } from '../object.ts';
import { Exit } from '../program.ts';
import type { Resource } from '../server/kinds.ts';
import { durationOf, type Session, shown } from './session.ts';

type Test = (object: KubeObject | undefined) => boolean;

const POLL_MS = 100;

const hasCondition = (object: KubeObject | undefined, type: string, status: string): boolean =>
  listAt(object, 'status', 'conditions').some(
    (condition) =>
      textAt(condition, 'type').toLowerCase() === type.toLowerCase() &&
      textAt(condition, 'status').toLowerCase() === status.toLowerCase(),
  );

/** `{.status.phase}` to the steps of its path; nothing more of the language. */
const pathIn = (expression: string): (string | number)[] =>
  [...expression.replace(/^\{|\}$/g, '').matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    index === undefined ? (key ?? '') : Number(index),
  );

const testOf = (condition: string): Test => {
  if (condition === 'delete') return (object) => object === undefined;
  if (condition === 'create') return (object) => object !== undefined;
  const [kind = '', name = '', ...value] = condition.split('=');
  if (kind === 'condition') return (object) => hasCondition(object, name, value.join('=') || 'true');
  if (kind === 'jsonpath') {
    const path = pathIn(name.replace(/^'|'$/g, ''));
    const wanted = value.join('=');
    return (object) => (wanted === '' ? textAt(object, ...path) !== '' : textAt(object, ...path) === wanted);
  }
  throw new Exit(1, `error: unrecognized condition: "${condition}"`);
};

interface Awaited {
  readonly resource: Resource;
  readonly type: string;
  readonly name: string;
  readonly namespace: string | undefined;
}

const awaited = async (session: Session): Promise<Awaited[]> => {
  const { client, flags } = session;
  const all: Awaited[] = [];
  for (const { type, name } of session.targets()) {
    const resource = await client.resource(type);
    if (name !== undefined) all.push({ resource, type, name, namespace: session.namespace });
    else {
      const scope = session.scope(resource);
      const objects = await client.list({ resource: type, namespace: scope, selector: flags.get('selector') });
      all.push(
        ...objects.map(({ metadata }) => ({ resource, type, name: metadata.name, namespace: metadata.namespace })),
      );
    }
  }
  return all;
};

/** `kubectl wait`. */
export const wait = async (session: Session): Promise<number> => {
  const { client, flags } = session;
  const condition = flags.get('for') ?? '';
  const test = testOf(condition);
  const limit = durationOf(flags.get('timeout') ?? '30s');
  const end = Date.now() + limit;
  const all = await awaited(session);
  if (all.length === 0 && condition !== 'delete') throw new Exit(1, 'error: no matching resources found');
  let late = false;
  for (const { resource, type, name, namespace } of all) {
    const reference = { resource: type, name, namespace };
    const look = async (): Promise<KubeObject | undefined> =>
      condition === 'delete' || condition === 'create' ? await client.find(reference) : await client.get(reference);
    let met = test(await look());
    // Nothing is said of what was gone before.
    if (met && condition === 'delete') continue;
    while (!met && Date.now() < end) {
      await sleep(POLL_MS);
      met = test(await look());
    }
    if (met) process.stdout.write(`${shown(resource, name)} condition met\n`);
    else process.stderr.write(`error: timed out waiting for the condition on ${resource.plural}/${name}\n`);
    late ||= !met;
  }
  return late ? 1 : 0;
};
