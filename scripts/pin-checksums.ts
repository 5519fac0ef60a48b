/**
 * Writes checksums into ami/versions.env: `npm run ami:pin -- [PRODUCT [VERSION]]…`. Without a product everything that
 * the chosen versions lack; without a version the chosen one. A checksum that is there is compared and never replaced.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ConfigurationError, findCarrierarrError } from '../lambda/shared/errors.ts';
import { checksumOf, type Get } from './pins/checksum.ts';
import { PRODUCTS } from './pins/products.ts';
import { pinName, versionIn, withPin } from './pins/versions-file.ts';

const FILE = 'ami/versions.env';

/** A product and the version to pin. */
type Wish = { product: string; version: string };

const chosen = (text: string, product: string): string => versionIn(text, PRODUCTS[product]?.chosenBy ?? '') ?? '';

/** What the words of the command ask for. */
export const wishes = (words: readonly string[], text: string): Wish[] => {
  const [first] = words;
  if (first === undefined) {
    const all = Object.keys(PRODUCTS).map((product) => ({ product, version: chosen(text, product) }));
    return all.filter(({ product, version }) => versionIn(text, pinName(product, version)) === undefined);
  }
  return words.flatMap((word, at) => {
    const next = words[at + 1];
    if (word in PRODUCTS) {
      return [{ product: word, version: next === undefined || next in PRODUCTS ? chosen(text, word) : next }];
    }
    if (at > 0 && (words[at - 1] ?? '') in PRODUCTS) return [];
    throw new ConfigurationError({
      what: 'there is no such product to pin',
      got: word,
      allowed: Object.keys(PRODUCTS).join(', '),
      remedy: 'npm run ami:pin -- PRODUCT [VERSION]',
    });
  });
};

/** The text with what could be pinned of what was wished for, and what could not. Everything is said. */
export const pin = async (
  get: Get,
  text: string,
  wanted: readonly Wish[],
  say: (line: string) => void,
): Promise<{ text: string; failed: number }> => {
  let [result, failed] = [text, 0];
  for (const { product, version } of wanted) {
    const entry = PRODUCTS[product];
    if (entry === undefined) continue;
    const name = pinName(product, version);
    try {
      const { sha256, from, published } = await checksumOf(get, entry, version);
      result = withPin(result, { name, sha256, product, chosenBy: entry.chosenBy });
      say(`${name}=${sha256}\n  ${published ? 'as published at' : 'NOBODY PUBLISHES ONE: computed from'} ${from}`);
    } catch (error) {
      failed += 1;
      say(`${name} was not pinned: ${findCarrierarrError(error)?.message ?? String(error)}`);
    }
  }
  return { text: result, failed };
};

const main = async (): Promise<void> => {
  const before = readFileSync(FILE, 'utf8');
  const { text, failed } = await pin(fetch, before, wishes(process.argv.slice(2), before), (line) => console.log(line));
  if (text !== before) writeFileSync(FILE, text);
  console.log(text === before ? `${FILE} is as it was` : `${FILE} is written: look at the difference, then commit it`);
  if (failed > 0) process.exitCode = 1;
};

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(findCarrierarrError(error)?.message ?? error);
    process.exitCode = 1;
  });
}
