import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const MAXIMUM_LINES = 300;

const tracked = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', ...patterns], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);

const lint = (source: string) =>
  spawnSync('node_modules/.bin/biome', ['lint', '--stdin-file-path=lambda/example.ts'], {
    input: source,
    encoding: 'utf8',
  });

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
    const long = tracked('*.ts', '*.sh')
      .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAXIMUM_LINES);

    expect(long).toEqual([]);
  });

  it('name no registry host in the lock file', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved": *"https?:/);
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
