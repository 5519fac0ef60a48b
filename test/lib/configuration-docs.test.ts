import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configurationDocs } from '../../scripts/configuration-docs.ts';

describe('docs/configuration.md', () => {
  it('is what schema, defaults and port table say (node scripts/configuration-docs.ts writes it)', () => {
    expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationDocs());
  });
});
