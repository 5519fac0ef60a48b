import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../../agent/shared/version.ts';
import { HELP } from '../../../agent/worker/help.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe("the agent's help", () => {
  it('knows every flag and every variable', () => {
    const flags = [...read('agent/worker/flags.ts').matchAll(/^ {2}'?([a-z-]+)'?: '/gm)].map(
      ([, flag]) => `--${flag} `,
    );
    const variables = [...read('agent/worker/settings.ts').matchAll(/^ {2}([A-Z_]+): /gm)].map(
      ([, name]) => `${name} `,
    );

    expect(flags).toHaveLength(8);
    expect(variables.length).toBeGreaterThan(15);
    // Where instance metadata is, only tests say.
    for (const word of [...flags, ...variables].filter((name) => name !== 'CARRIERARR_IMDS '))
      expect(HELP).toContain(word);
  });

  it('fits into a terminal', () => {
    expect(Math.max(...HELP.split('\n').map(({ length }) => length))).toBeLessThan(121);
  });
});

describe('the version', () => {
  it('is that of the package', () => {
    expect(JSON.parse(read('package.json'))).toMatchObject({ version: VERSION });
  });
});
