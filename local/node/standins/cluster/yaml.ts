import { createRequire } from 'node:module';
import { type Dict, isDict } from './object.ts';

type Library = Pick<typeof import('yaml'), 'parse' | 'parseAllDocuments' | 'stringify'>;

let library: Library | undefined;

/** The YAML library takes as long to load as all the rest: only where it is needed. Bundles find it beside them. */
const yaml = (): Library => {
  library ??= createRequire(import.meta.url)('yaml') as Library;
  return library;
};

const scalar = (text: string): unknown => {
  if (text === '' || text === '~' || text === 'null') return null;
  if (text.startsWith('"')) return JSON.parse(text) as unknown;
  if (/^'[^']*'$/.test(text)) return text.slice(1, -1);
  if (/^(true|false|-?(0|[1-9]\d*))$/.test(text)) return JSON.parse(text) as unknown;
  if (text === '[]') return [];
  if (text === '{}') return {};
  if (/^[&*!|>%@`'[{#]|: |:$| #/.test(text)) throw new Error('not simple');
  return text;
};

interface Line {
  readonly indent: number;
  readonly text: string;
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#') && line !== '---')
    .flatMap((line) => {
      const indent = line.length - line.trimStart().length;
      const item = /^- (.*)$/.exec(line.trimStart());
      // An entry of a list is a line of its own, and what stands on its line is indented below it.
      return item === null
        ? [{ indent, text: line.trim() }]
        : [
            { indent, text: '-' },
            { indent: indent + 2, text: (item[1] ?? '').trim() },
          ];
    });

const listBlock = (lines: Line[], indent: number): unknown[] => {
  const list: unknown[] = [];
  while (lines[0]?.indent === indent && lines[0].text === '-') {
    lines.shift();
    list.push(block(lines, lines[0]?.indent ?? 0));
  }
  return list;
};

const entryBelow = (lines: Line[], indent: number): unknown => {
  const [next] = lines;
  const isBelow = next !== undefined && (next.indent > indent || (next.indent === indent && next.text === '-'));
  return isBelow ? block(lines, next.indent) : null;
};

const block = (lines: Line[], indent: number): unknown => {
  if (lines[0]?.text === '-') return listBlock(lines, indent);
  const map: Dict = {};
  while (lines[0]?.indent === indent && lines[0].text !== '-') {
    const { text } = lines[0];
    const [, key, rest = ''] = /^("[^"]*"|[^\s"'[{#&*!][^:]*):(?: +(.*))?$/.exec(text) ?? [];
    lines.shift();
    if (key === undefined) return scalar(text);
    map[String(scalar(key))] = rest === '' ? entryBelow(lines, indent) : scalar(rest);
  }
  return map;
};

/** Maps, lists and one-line scalars, as kubeconfigs have them; undefined for anything else. */
const simple = (text: string): Dict | undefined => {
  try {
    const lines = linesOf(text);
    const value = block(lines, lines[0]?.indent ?? 0);
    return lines.length === 0 && isDict(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** YAML or JSON, one document. */
export const parseYaml = (text: string): unknown => {
  if (text.trimStart().startsWith('{')) return JSON.parse(text) as unknown;
  return simple(text) ?? (yaml().parse(text) as unknown);
};

/**
 * All documents of a stream.
 * @throws Error worded by the library
 */
export const parseDocuments = (text: string): unknown[] => {
  if (text.trimStart().startsWith('{')) {
    try {
      return [JSON.parse(text) as unknown];
    } catch {
      // Several JSON documents in a row are YAML of a kind.
    }
  }
  const documents = yaml().parseAllDocuments(text);
  return (Array.isArray(documents) ? documents : []).map((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    return document.toJS() as unknown;
  });
};

export const toYaml = (value: unknown): string => yaml().stringify(value);
