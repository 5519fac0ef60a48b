import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { commandWords, parseFlags } from '../../../../local/node/standins/cluster/flags.ts';
import { valuesOf } from '../../../../local/node/standins/cluster/helm-values.ts';
import { fullToken, readToken } from '../../../../local/node/standins/cluster/k3s/token.ts';
import { durationOf } from '../../../../local/node/standins/cluster/kubectl/session.ts';
import { applyPatch, mergePatch } from '../../../../local/node/standins/cluster/object.ts';
import { paint } from '../../../../local/node/standins/cluster/program.ts';
import { parseDocuments, parseYaml } from '../../../../local/node/standins/cluster/yaml.ts';

const KUBECONFIG = {
  apiVersion: 'v1',
  clusters: [{ cluster: { server: 'https://10.100.2.1:6443', 'proxy-url': 'http://door:3128' }, name: 'a' }],
  contexts: [{ context: { cluster: 'a', user: 'u', namespace: '' }, name: 'a' }],
  preferences: {},
  users: [{ name: 'u', user: { token: '0123', keys: null, none: [] } }],
};

describe('the YAML reader', () => {
  it.each([
    ['as the library writes it', stringify(KUBECONFIG)],
    ['with lists that are not indented', stringify(KUBECONFIG, { indentSeq: false })],
    ['as JSON', JSON.stringify(KUBECONFIG)],
  ])('reads a kubeconfig %s', (_, text) => {
    expect(parseYaml(text)).toEqual(KUBECONFIG);
  });

  it.each([
    'a: |\n  one\n  two\n',
    'a: {b: [1, c]}\n',
    'a: &x\n  b: 1\nc: *x\n',
    'a: "x: y" # why\n',
    'a:\n- - 1\n  - 2\n- b: c\n  d: e\n',
    "a: 'it''s'\nb: 0x10\nc: 1.5\n",
  ])('reads %j as the library does', (text) => {
    expect(parseYaml(text)).toEqual(parse(text));
  });

  it('reads several documents, and says where one is broken', () => {
    expect(parseDocuments('a: 1\n---\nb: 2\n')).toEqual([{ a: 1 }, { b: 2 }]);
    expect(() => parseDocuments('a: [1\n')).toThrow(/line/);
  });
});

describe('the reader of flags', () => {
  const SPEC = { switches: ['all'], values: ['namespace', 'output'], short: { n: 'namespace', o: 'output' } };

  it('knows values behind a blank, an equals sign and a letter', () => {
    const flags = parseFlags(['get', '-n', 'a', '-ojson', '--all', 'x', '--namespace=b', '--', '--y'], SPEC);

    expect(flags.positional).toEqual(['get', 'x', '--y']);
    expect([flags.get('namespace'), flags.get('output'), flags.on('all')]).toEqual(['b', 'json', true]);
  });

  it.each([
    [['--nope'], 'unknown flag: --nope'],
    [['-z'], "unknown shorthand flag: 'z' in -z"],
    [['--output'], 'flag needs an argument: --output'],
  ])('refuses %j as cobra does', (argv, message) => {
    expect(() => parseFlags(argv, SPEC)).toThrow(message);
  });

  it('finds the verb behind flags that every command has', () => {
    expect(commandWords(['-n', 'x', '--output=json', 'get', 'pods'], SPEC)).toEqual(['get', 'pods']);
  });

  it.each([
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['2h', 7_200_000],
    ['15', 15_000],
  ])('reads %s as a length of time', (text, milliseconds) => {
    expect(durationOf(text)).toBe(milliseconds);
    expect(() => durationOf(`${text}x`)).toThrow('invalid duration');
  });
});

describe('values of Helm', () => {
  it('are nested, typed and listed', () => {
    expect(valuesOf(['a.b[1].c=x', 'd={en+,eth0}', 'e=true,f=12', 'g=012', 'h\\.i=1'])).toEqual({
      a: { b: [undefined, { c: 'x' }] },
      d: ['en+', 'eth0'],
      e: true,
      f: 12,
      g: '012',
      'h.i': 1,
    });
  });

  it('must have a value', () => {
    expect(() => valuesOf(['a'])).toThrow('key "a" has no value');
  });
});

describe('patches', () => {
  it('take away what is null and keep the rest', () => {
    expect(mergePatch({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: null }, d: [2] })).toEqual({ a: { c: 2 }, d: [2] });
  });

  it('of an apply take away what only the last one had', () => {
    expect(applyPatch({ a: 1, b: { c: 1, d: 1 } }, { b: { c: 2 } })).toEqual({ a: null, b: { c: 2, d: null } });
  });
});

describe('tokens of k3s', () => {
  it('carry the hash of the CA, the user and the password, or the password alone', () => {
    const token = readToken(fullToken('pem', 'node', 'a::b'));

    expect(token).toMatchObject({ user: 'node', password: 'a::b', caHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(readToken('short')).toEqual({ caHash: undefined, user: undefined, password: 'short' });
  });
});

describe('colour', () => {
  it('can be taken off again', () => {
    const text = JSON.stringify({ a: 'b "c"', d: [1] }, null, 4);

    expect(paint(text)).not.toBe(text);
    expect(stripVTControlCharacters(paint(text))).toBe(text);
  });
});
