import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { certificateFromPem, certificateToJson } from '../../../../lambda/identity/certificate/index.ts';
import { signedBy, testAuthority } from '../support/authority.ts';

const GOLDEN = 'test/golden/nebula';

describe('a certificate as JSON', () => {
  it.each(readdirSync(GOLDEN).filter((file) => file.endsWith('.crt')))(
    'is for %s what nebula-cert 1.9 prints',
    (file) => {
      const printed = readFileSync(`${GOLDEN}/${file.replace('.crt', '.json')}`, 'utf8');

      expect(`${certificateToJson(certificateFromPem(readFileSync(`${GOLDEN}/${file}`, 'utf8')))}\n`).toBe(printed);
    },
  );

  it('escapes as Go does', () => {
    const certificate = signedBy(testAuthority(), { name: '<&>\u2028"\\\u0001\u007f' });

    expect(certificateToJson(certificate)).toContain('"name":"\\u003c\\u0026\\u003e\\u2028\\"\\\\\\u0001\u007f"');
  });
});
