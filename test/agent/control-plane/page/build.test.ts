import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../../../agent/control-plane/build.ts';

const MOST_BYTES = 30_000;

describe('the built page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-page-'));
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  beforeAll(() => buildPage(folder));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is a handful of files, small when they travel', () => {
    const files = readdirSync(folder);
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0);

    expect(files.sort()).toEqual(['app.js', 'icon.svg', 'index.html', 'prices.json', 'style.css']);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  it('has neither script nor style within the document, which the policy forbids', () => {
    const scripts = read('index.html').match(/<script[^>]*>[^<]*/g);

    expect(scripts).toEqual(['<script type="module" src="app.js">']);
    expect(read('index.html')).not.toMatch(/<style|\sstyle=|\son\w+=/);
  });

  it('names no other host', () => {
    const hosts = readdirSync(folder).flatMap((file) => read(file).match(/https?:\/\/[\w.-]+/g) ?? []);

    // Names of XML vocabularies, which nobody fetches.
    expect(hosts.filter((host) => !host.endsWith('//www.w3.org'))).toEqual([]);
  });
});
