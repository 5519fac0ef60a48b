import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pin, wishes } from '../../scripts/pin-checksums.ts';
import { digestIn, sumIn } from '../../scripts/pins/checksum.ts';
import { PRODUCTS } from '../../scripts/pins/products.ts';
import { pinName, versionIn, withPin } from '../../scripts/pins/versions-file.ts';
import { publishK3s, publishNebula, publishTools } from './support/artifacts.ts';
import { BakeSandbox } from './support/bake-sandbox.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const VERSIONS = `NEBULA_VERSION=1.9.0\nNEBULA_SHA256_1_9_5=${B}\n\nK3S_VERSION=v1.31.2+k3s1\nLIQO_VERSION=1.2.0\n`;

/** An internet of these pages. */
const internet = (pages: Record<string, string>) => (url: string) =>
  Promise.resolve(pages[url] === undefined ? new Response('', { status: 404 }) : new Response(pages[url]));
const nebula = (version: string, file: string): string =>
  `https://github.com/slackhq/nebula/releases/download/v${version}/${file}`;

const run = async (pages: Record<string, string>, words: string[], text = VERSIONS) => {
  const said: string[] = [];
  const result = await pin(internet(pages), text, wishes(words, text), (line) => said.push(line));
  return { ...result, said: said.join('\n') };
};

describe('pinning a checksum', () => {
  it('takes the one that is published, for the version that is chosen', async () => {
    const list = `${B}  nebula-linux-arm64.tar.gz\n${A}  nebula-linux-amd64.tar.gz\n`;

    const { text, said, failed } = await run({ [nebula('1.9.0', 'SHASUM256.txt')]: list }, ['NEBULA']);

    expect(text).toBe(VERSIONS.replace(`${B}\n\n`, `${B}\nNEBULA_SHA256_1_9_0=${A}\n\n`));
    expect(said).toContain('as published at');
    expect(failed).toBe(0);
  });

  it('may be of another version, and of many at once', async () => {
    const pages = {
      [nebula('1.9.7', 'SHASUM256.txt')]: `${A}  nebula-linux-amd64.tar.gz`,
      'https://github.com/k3s-io/k3s/releases/download/v1.31.2%2Bk3s1/sha256sum-amd64.txt': `${B}  k3s\n`,
    };

    const { text } = await run(pages, ['NEBULA', '1.9.7', 'K3S']);

    expect(text).toContain(`\nNEBULA_SHA256_1_9_7=${A}\n`);
    expect(text).toContain(`K3S_VERSION=v1.31.2+k3s1\nK3S_SHA256_v1_31_2_k3s1=${B}\n`);
  });

  it('computes it where nobody publishes one, and says so loudly', async () => {
    const url = PRODUCTS.LIQOCTL?.url('1.2.0') ?? '';

    const { text, said } = await run({ [url]: 'an archive' }, ['LIQOCTL']);

    expect(text).toContain(`LIQOCTL_SHA256_1_2_0=${createHash('sha256').update('an archive').digest('hex')}\n`);
    expect(said).toContain('NOBODY PUBLISHES ONE');
  });

  it('never replaces one: what changed under its name is refused', async () => {
    const text = `NEBULA_VERSION=1.9.0\nNEBULA_SHA256_1_9_0=${B}\n`;
    const pages = { [nebula('1.9.0', 'SHASUM256.txt')]: `${A}  nebula-linux-amd64.tar.gz` };

    const result = await run(pages, ['NEBULA'], text);

    expect(result).toMatchObject({ text, failed: 1, said: expect.stringContaining('the file has changed') });
  });

  it('writes what it can, and tells what it could not', async () => {
    const { text, said, failed } = await run({ [PRODUCTS.LIQOCTL?.url('1.2.0') ?? '']: 'x' }, ['NEBULA', 'LIQOCTL']);

    expect(text).toContain('LIQOCTL_SHA256_1_2_0=');
    expect(said).toMatch(/NEBULA_SHA256_1_9_0 was not pinned: .*HTTP 404/);
    expect(failed).toBe(1);
  });

  it('refuses a product that there is not', () => {
    expect(() => wishes(['NEBULLA'], VERSIONS)).toThrow(/NEBULLA/);
  });

  it('without a word wants what the chosen versions lack', () => {
    const text = readFileSync('ami/versions.env', 'utf8');

    const wanted = wishes([], text).map(({ product, version }) => pinName(product, version));

    expect(wanted.filter((name) => versionIn(text, name) !== undefined)).toEqual([]);
    expect(wishes([], `${text}${wanted.map((name) => `${name}=${A}\n`).join('')}`)).toEqual([]);
  });
});

describe('what publishers write', () => {
  it.each([
    [`${A}  dir/x\n${B} *x\n`, B],
    [`${A}\n`, A],
    [`${B}  ./x`, B],
    ['404: Not Found', undefined],
  ])('is read: %j', (list, sum) => {
    expect(sumIn(list, 'x')).toBe(sum);
  });

  it('may be an index of charts', () => {
    const index = `entries:\n  liqo:\n    - {version: v1.2.1, digest: ${B}}\n    - {version: v1.2.0, digest: ${A}}\n`;

    expect(digestIn(index, 'liqo', '1.2.0')).toBe(A);
    expect(digestIn(index, 'liqo', '1.3.0')).toBeUndefined();
  });

  it('is put where a reader looks for it', () => {
    expect(withPin(VERSIONS, { name: 'X_SHA256_1', sha256: A, product: 'X', chosenBy: 'LIQO_VERSION' })).toBe(
      `${VERSIONS}X_SHA256_1=${A}\n`,
    );
  });
});

describe('the addresses', () => {
  it('are those that the image scripts ask', () => {
    const sandbox = new BakeSandbox();
    publishNebula(sandbox);
    publishTools(sandbox);
    publishK3s(sandbox);
    for (const script of [
      'base/scripts/40-nebula',
      'lighthouse/scripts/20-tools',
      'lighthouse/scripts/30-charts',
      'lighthouse/scripts/40-k3s',
    ])
      sandbox.script(`${script}.sh`, 'lighthouse');
    const known = Object.values(PRODUCTS).map(({ url, chosenBy }) => url(sandbox.version(chosenBy)));
    const asked = sandbox.downloads();
    sandbox.remove();

    expect(asked).toHaveLength(8);
    expect(asked.filter((url) => !known.includes(url))).toEqual([]);
  });
});
