import { type Dict, isDict } from './object.ts';

const typed = (text: string): unknown => {
  if (text === 'null') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
};

const valueIn = (text: string): unknown => {
  const list = /^\{(.*)\}$/.exec(text);
  if (list === null) return typed(text.replaceAll('\\,', ','));
  return (list[1] ?? '') === '' ? [] : (list[1] ?? '').split(',').map(typed);
};

/** Splits at commas outside braces and without a backslash. */
const pairsIn = (text: string): string[] => text.match(/(?:\\.|\{[^}]*\}|[^,\\])+/g) ?? [];

const stepsOf = (key: string): (string | number)[] =>
  [...key.matchAll(/((?:\\.|[^.[\]\\])+)|\[(\d+)\]/g)].map(([, name, index]) =>
    index === undefined ? (name ?? '').replaceAll('\\', '') : Number(index),
  );

const put = (target: unknown, steps: readonly (string | number)[], value: unknown): unknown => {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    const list: unknown[] = Array.isArray(target) ? [...target] : [];
    list[step] = put(list[step], rest, value);
    return list;
  }
  const map: Dict = isDict(target) ? { ...target } : {};
  map[step] = put(map[step], rest, value);
  return map;
};

/** The values that arguments of `--set` stand for: nested, with lists, typed as Helm types them. */
export const valuesOf = (settings: readonly string[], base: Dict = {}): Dict => {
  let values: unknown = base;
  for (const pair of settings.flatMap(pairsIn)) {
    const [key = '', ...value] = pair.split('=');
    if (value.length === 0) throw new Error(`failed parsing --set data: key "${key}" has no value`);
    values = put(values, stepsOf(key), valueIn(value.join('=')));
  }
  return isDict(values) ? values : {};
};
