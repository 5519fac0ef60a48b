import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => /\.(md|ts|tsx|sh|yaml|hcl|service|proto)$|Dockerfile$/.test(file) && existsSync(file));
const text = (file: string): string => readFileSync(file, 'utf8');
const pages = tracked.filter((file) => file.endsWith('.md'));

/** Without what stands in fences: commands and examples link nowhere. */
const prose = (page: string): string => text(page).replaceAll(/^```.*?^```/gms, '');

/** As renderers make a heading's anchor of its words. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
const anchorsOf = (page: string): readonly string[] =>
  [...prose(page).matchAll(/^#+ +(.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));

const isDead = (page: string, target: string): boolean => {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(file)) return true;
  return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).includes(anchor);
};

describe('documents', () => {
  it('link to files and headings that are there', () => {
    const dead = pages.flatMap((page) =>
      [...prose(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => isDead(page, target))
        .map((target) => `${page}: ${target}`),
    );

    expect(dead).toEqual([]);
  });

  it('and comments name decisions and documents that are there', () => {
    const decisions = new Set(readdirSync('docs/adr').map((file) => file.slice(0, 4)));
    const missing = tracked.flatMap((file) => {
      const content = text(file);
      const named = [...content.matchAll(/(?:\badr\/|\bADRs? )(\d{3,4})\b/g)]
        .map(([, number]) => number ?? '')
        .filter((number) => !decisions.has(number.padStart(4, '0')));
      const documents = [...content.matchAll(/\bdocs\/[a-z-]+\.md\b/g)]
        .map(([document]) => document)
        .filter((document) => !existsSync(document));
      return [...named, ...documents].map((what) => `${file}: ${what}`);
    });

    expect(missing).toEqual([]);
  });
});
