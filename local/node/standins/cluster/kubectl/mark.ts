import { type KubeObject, listAt, textAt, textsAt } from '../object.ts';
import { Exit } from '../program.ts';
import { print } from './output.ts';
import { objectsIn, type Session, shown, textOf } from './session.ts';

interface Marks {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

const marksIn = (words: readonly string[]): Marks => ({
  set: Object.fromEntries(
    words
      .filter((word) => word.includes('='))
      .map((word): [string, string] => {
        const [key = '', ...value] = word.split('=');
        return [key, value.join('=')];
      }),
  ),
  unset: words.filter((word) => !word.includes('=') && word.endsWith('-')).map((word) => word.slice(0, -1)),
});

const isMark = (word: string): boolean => word.includes('=') || word.endsWith('-');

const selected = async (
  session: Session,
  words: readonly string[],
): Promise<{ type: string; object: KubeObject }[]> => {
  const { client, flags } = session;
  const all: { type: string; object: KubeObject }[] = [];
  for (const { type, name } of session.targets(words)) {
    if (name !== undefined) {
      all.push({ type, object: await client.get({ resource: type, name, namespace: session.namespace }) });
      continue;
    }
    if (!flags.on('all') && !flags.has('selector'))
      throw new Exit(1, 'error: resource(s) were provided, but no name was specified');
    const scope = session.scope(await client.resource(type));
    const found = await client.list({ resource: type, namespace: scope, selector: flags.get('selector') });
    all.push(...found.map((object) => ({ type, object })));
  }
  return all;
};

const refuseOverwrite = (session: Session, old: Readonly<Record<string, string>>, { set }: Marks): void => {
  if (session.flags.on('overwrite')) return;
  for (const [key, value] of Object.entries(set)) {
    if (old[key] !== undefined && old[key] !== value) {
      throw new Exit(1, `error: '${key}' already has a value (${old[key]}), and --overwrite is false`);
    }
  }
};

/** `annotate --local`: what is read is printed with the marks on it; no server is asked. */
const markLocally = async (session: Session, field: string, { set }: Marks): Promise<number> => {
  const objects = objectsIn(await textOf(session.flags.get('filename') ?? '-'));
  const format = session.flags.get('output') ?? 'json';
  for (const object of objects) {
    const marked = {
      ...object,
      metadata: { ...object.metadata, [field]: { ...textsAt(object, 'metadata', field), ...set } },
    };
    const resource = { group: '', version: '', kind: object.kind, plural: '', namespaced: true, short: [] };
    print([{ resource, object: marked }], { format, asList: false, withNamespace: false, headers: true });
  }
  return 0;
};

const mark =
  (field: 'labels' | 'annotations', done: string) =>
  async (session: Session): Promise<number> => {
    const marks = marksIn(session.words.filter(isMark));
    const words = session.words.filter((word) => !isMark(word));
    if (session.flags.on('local')) return await markLocally(session, field, marks);
    for (const { type, object } of await selected(session, words)) {
      const old = textsAt(object, 'metadata', field);
      refuseOverwrite(session, old, marks);
      const change = { ...marks.set, ...Object.fromEntries(marks.unset.map((key) => [key, null])) };
      const { name, namespace } = object.metadata;
      const patched = await session.client.patch(
        { resource: type, name, namespace },
        { metadata: { [field]: change } },
      );
      const same = patched.metadata.resourceVersion === object.metadata.resourceVersion;
      const resource = await session.client.resource(type);
      process.stdout.write(`${shown(resource, name)} ${same ? `not ${done}` : done}\n`);
    }
    return 0;
  };

export const label = mark('labels', 'labeled');
export const annotate = mark('annotations', 'annotated');

interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
  readonly removes: boolean;
}

const taintOf = (word: string): Taint => {
  const removes = word.endsWith('-');
  const [pair = '', effect = ''] = (removes ? word.slice(0, -1) : word).split(':');
  const [key = '', value = ''] = pair.split('=');
  if (!removes && !['NoSchedule', 'NoExecute', 'PreferNoSchedule'].includes(effect)) {
    throw new Exit(1, `error: invalid taint effect: ${effect}, unsupported taint effect`);
  }
  return { key, value, effect, removes };
};

const isSame = (taint: unknown, { key, effect }: Taint): boolean =>
  textAt(taint, 'key') === key && (effect === '' || textAt(taint, 'effect') === effect);

const tainted = (session: Session, node: KubeObject, taints: readonly Taint[]): unknown[] => {
  let list = listAt(node, 'spec', 'taints');
  for (const taint of taints) {
    const known = list.find((entry) => isSame(entry, taint));
    if (taint.removes && known === undefined) throw new Exit(1, `error: taint "${taint.key}" not found`);
    if (!taint.removes && known !== undefined && !session.flags.on('overwrite')) {
      const message = `error: node ${node.metadata.name} already has ${taint.key} taint(s) with same effect(s) and --overwrite is false`;
      throw new Exit(1, message);
    }
    const { key, value, effect } = taint;
    list = list.filter((entry) => !isSame(entry, taint));
    if (!taint.removes) list = [...list, { key, ...(value === '' ? {} : { value }), effect }];
  }
  return list;
};

/** `kubectl taint`. */
export const taint = async (session: Session): Promise<number> => {
  const isTaint = (word: string): boolean => /[:=]/.test(word) || word.endsWith('-');
  const taints = session.words.filter(isTaint).map(taintOf);
  const words = session.words.filter((word) => !isTaint(word));
  for (const { type, object } of await selected(session, words)) {
    const list = tainted(session, object, taints);
    await session.client.patch(
      { resource: type, name: object.metadata.name },
      { spec: { taints: list.length === 0 ? null : list } },
    );
    const done = taints.every(({ removes }) => removes)
      ? 'untainted'
      : taints.some(({ removes }) => removes)
        ? 'modified'
        : 'tainted';
    process.stdout.write(`node/${object.metadata.name} ${done}\n`);
  }
  return 0;
};
