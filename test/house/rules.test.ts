import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const MAXIMUM_LINES = 300;

const tracked = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', ...patterns], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);

/** Lints one file under the house's rules in a folder of its own: rules on promises need the file on disk. */
const lint = (source: string) => {
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-lint-'));
  const rules = JSON.parse(readFileSync('biome.json', 'utf8')) as Record<string, unknown>;
  writeFileSync(join(directory, 'biome.json'), JSON.stringify({ ...rules, vcs: { enabled: false } }));
  writeFileSync(join(directory, 'example.ts'), source);
  const result = spawnSync(resolve('node_modules/.bin/biome'), ['lint', '.'], { cwd: directory, encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  return result;
};

describe('the linter', () => {
  it('refuses a promise that nobody awaits', () => {
    const { status, stderr, stdout } = lint(
      'async function save(): Promise<void> {}\nexport const run = (): void => {\n  save();\n};\n',
    );

    expect(stdout + stderr).toContain('noFloatingPromises');
    expect(status).not.toBe(0);
  });
});

describe('files', () => {
  it(`are at most ${MAXIMUM_LINES} lines`, () => {
    // Nobody wrote what is generated.
    const long = tracked('*.ts', '*.sh', ':!agent/proto/generated')
      .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAXIMUM_LINES);

    expect(long).toEqual([]);
  });

  it('name no registry host in the lock file', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved": *"https?:/);
  });
});

describe('the operations run-book', () => {
  it('has a section for every error a machine may end in', () => {
    const classes = readFileSync('lambda/shared/errors.ts', 'utf8').matchAll(/^export class (\w+Error) /gm);
    const headings = readFileSync('docs/operations.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('### '))
      .join(' ');
    const missing = [...classes, ['', 'RenewalFailedError'], ['', 'SweepIncompleteError']]
      .map(([, name]) => name ?? '')
      .filter((name) => !headings.includes(name));

    expect(missing).toEqual([]);
  });
});

describe('the AWS SDK', () => {
  it('is imported by adapters and doors only', () => {
    const offenders = tracked('lambda/**/*.ts')
      .filter((file) => !file.startsWith('lambda/shared/aws/'))
      .filter((file) => /from '@aws-sdk\/client-/.test(readFileSync(file, 'utf8')));

    expect(offenders).toEqual([]);
  });
});
