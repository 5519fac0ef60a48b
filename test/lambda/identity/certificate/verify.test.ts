import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type CertificateDetails,
  certificateFromPem,
  certificateToPem,
  createPool,
  poolFromPem,
  verifyCertificate,
} from '../../../../lambda/identity/certificate/index.ts';
import { NOW, network, signedBy, testAuthority } from '../support/authority.ts';

const read = (file: string): string => readFileSync(`test/golden/nebula/${file}`, 'utf8');
const authority = testAuthority();
const pool = createPool([authority]);
const seconds = NOW.getTime() / 1000;
const at = (offset: number): Date => new Date((seconds + offset) * 1000);

describe('verification', () => {
  it.each([
    ['worker-1.6.1.crt', 'ca.crt'],
    ['worker-1.9.7.crt', 'ca.crt'],
    ['p256-node-1.9.7.crt', 'p256-ca-1.9.7.crt'],
  ])('takes %s under %s', (file, ca) => {
    expect(verifyCertificate(certificateFromPem(read(file)), poolFromPem(read(ca)), NOW)).toEqual({ ok: true });
  });

  it('finds the issuer among several CAs', () => {
    const bundle = poolFromPem(read('real-ca-1.9.7.crt') + read('p256-ca-1.9.7.crt') + read('ca.crt'));

    expect(verifyCertificate(certificateFromPem(read('worker-1.9.7.crt')), bundle, NOW)).toEqual({ ok: true });
  });

  it('lets an expired CA lie beside a good one', () => {
    const expired = testAuthority({ notAfter: seconds - 1 }, 'expired CA');
    const bundle = poolFromPem(certificateToPem(expired.certificate) + certificateToPem(authority.certificate));

    expect(verifyCertificate(signedBy(authority), bundle, NOW)).toEqual({ ok: true });
    expect(verifyCertificate(signedBy(expired), bundle, NOW)).toEqual({
      ok: false,
      reason: 'root certificate is expired',
    });
  });

  it.each<[string, Partial<CertificateDetails>, string]>([
    ['another CA', { issuer: '00'.repeat(32) }, 'could not find ca for the certificate'],
    ['no CA', { issuer: '' }, 'no issuer in certificate'],
    ['a life that is over', { notAfter: seconds - 1 }, 'certificate is expired'],
    ['a life yet to begin', { notBefore: seconds + 1 }, 'certificate is expired'],
    [
      'a life longer than the CA',
      { notAfter: seconds + 4000 * 86_400 },
      'certificate expires after signing certificate',
    ],
    ['a life begun before the CA', { notBefore: 1 }, 'certificate is valid before the signing certificate'],
    [
      'a group of others',
      { groups: ['aws', 'lighthouse'] },
      'certificate contained a group not present on the signing ca: lighthouse',
    ],
  ])('refuses a certificate with %s in the words of Nebula', (_, overrides, reason) => {
    expect(verifyCertificate(signedBy(authority, overrides), pool, NOW)).toEqual({ ok: false, reason });
  });

  it('counts both ends of a life as inside', () => {
    const certificate = signedBy(authority, { notBefore: seconds, notAfter: seconds + 10 });

    expect([-1, 0, 10, 11].map((offset) => verifyCertificate(certificate, pool, at(offset)).ok)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('refuses one changed byte anywhere in what was signed', () => {
    const certificate = signedBy(authority);
    const tampered = { ...certificate, details: { ...certificate.details, groups: ['workers'] } };

    expect(verifyCertificate(tampered, pool, NOW)).toEqual({
      ok: false,
      reason: 'certificate signature did not match',
    });
  });

  it('holds networks against the limits of the CA: inside, and no wider', () => {
    const limited = testAuthority({
      networks: [network('10.100.2.0/24')],
      unsafeNetworks: [network('192.168.0.0/16')],
    });
    const verdict = (overrides: Partial<CertificateDetails>) =>
      verifyCertificate(signedBy(limited, overrides), createPool([limited]), NOW);

    expect(verdict({ networks: [network('10.100.2.1/24')] })).toEqual({ ok: true });
    expect(verdict({ networks: [network('10.100.2.1/16')] })).toEqual({
      ok: false,
      reason: 'certificate contained an ip assignment outside the limitations of the signing ca: 10.100.2.1/16',
    });
    expect(verdict({ networks: [network('10.100.2.1/24')], unsafeNetworks: [network('192.169.0.0/24')] })).toEqual({
      ok: false,
      reason: 'certificate contained a subnet assignment outside the limitations of the signing ca: 192.169.0.0/24',
    });
  });

  it('does not let a P-256 CA vouch for a Curve25519 certificate', () => {
    const p256 = poolFromPem(read('p256-ca-1.9.7.crt'));
    const [issuer = ''] = p256.keys();
    const { notBefore } = certificateFromPem(read('p256-ca-1.9.7.crt')).details;

    expect(verifyCertificate(signedBy(authority, { issuer, notBefore }), p256, NOW)).toEqual({
      ok: false,
      reason: 'certificate signature did not match',
    });
  });
});

describe('a pool of CAs', () => {
  it('refuses a certificate that is no CA', () => {
    expect(() => poolFromPem(read('worker-1.9.7.crt'))).toThrow(/not a CA/);
  });

  it('refuses a CA that did not sign itself', () => {
    const forged = { ...authority.certificate, details: { ...authority.certificate.details, groups: [] } };

    expect(() => poolFromPem(certificateToPem(forged))).toThrow(/not self-signed/);
  });
});
