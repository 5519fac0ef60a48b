import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import * as z from 'zod';
import { ConfigurationError } from '../../lambda/shared/errors.ts';
import type { Product } from './products.ts';

/** What is needed of `fetch`. */
export type Get = (url: string) => Promise<Response>;

/** A checksum and where it is from. */
export type Checksum = { readonly sha256: string; readonly from: string; readonly published: boolean };

const SHA256 = /^[0-9a-f]{64}$/;
const Index = z.object({
  entries: z.record(z.string(), z.array(z.object({ version: z.string(), digest: z.string().optional() }))),
});

const open = async (get: Get, url: string): Promise<Response> => {
  const response = await get(url);
  if (response.ok) return response;
  throw new ConfigurationError({
    what: `${url} could not be fetched`,
    got: `HTTP ${response.status}`,
    allowed: 'a version that its publisher has released',
    remedy: 'correct the version, or try again where its publisher has trouble',
  });
};

/** The checksum of a file in a list of lines `checksum name`, or the one in a file of a checksum alone. */
export const sumIn = (list: string, file: string): string | undefined => {
  for (const line of list.split('\n')) {
    const [sum = '', name] = line.trim().split(/\s+\*?(?:\.\/)?/);
    if (SHA256.test(sum) && (name === undefined || name === file)) return sum;
  }
  return undefined;
};

/** The digest of a chart in an index of Helm charts. */
export const digestIn = (index: string, chart: string, version: string): string | undefined => {
  const versions = Index.parse(parse(index)).entries[chart] ?? [];
  const digest = versions.find((each) => each.version.replace(/^v/, '') === version.replace(/^v/, ''))?.digest;
  return digest?.replace(/^sha256:/, '');
};

const missing = (from: string, what: string): ConfigurationError =>
  new ConfigurationError({
    what: `${from} has no checksum of ${what}`,
    got: 'no such line',
    allowed: 'a file that its publisher lists',
    remedy: 'look at the address: is the version right, and is it a release?',
  });

const published = async (get: Get, product: Product, version: string): Promise<Checksum | undefined> => {
  const url = product.url(version);
  const file = url.slice(url.lastIndexOf('/') + 1);
  const from = product.index?.url ?? product.sums?.(version);
  if (from === undefined) return undefined;
  const text = await (await open(get, from)).text();
  const sha256 = product.index === undefined ? sumIn(text, file) : digestIn(text, product.index.chart, version);
  if (sha256 === undefined || !SHA256.test(sha256)) throw missing(from, file);
  return { sha256, from, published: true };
};

/**
 * The checksum as its publisher tells it; where none does, of the file as it is today. That is trust on first use: it
 * proves that later builds get the same file, not that this one is good.
 */
export const checksumOf = async (get: Get, product: Product, version: string): Promise<Checksum> => {
  const known = await published(get, product, version);
  if (known !== undefined) return known;
  const url = product.url(version);
  const { body } = await open(get, url);
  const hash = createHash('sha256');
  for await (const chunk of body ?? []) hash.update(chunk);
  return { sha256: hash.digest('hex'), from: url, published: false };
};
