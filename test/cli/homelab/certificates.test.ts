import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { certifyControlPlane, makeControlPlaneCertificates } from '../../../cli/homelab/certificates.ts';
import { fieldsOf } from '../../lib/support/config-faults.ts';

const folder = mkdtempSync(join(tmpdir(), 'carrierarr-certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { authority, controlPlane } = await makeControlPlaneCertificates('carrierarr');
const ca = new X509Certificate(authority.certificate);
const own = new X509Certificate(controlPlane.certificate);
const daysOf = (certificate: X509Certificate): number =>
  Math.round((certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000);

describe('the certificates of the control plane', () => {
  it('hold in the eyes of OpenSSL, as a client’s, by the letter', () => {
    writeFileSync(join(folder, 'ca'), authority.certificate);
    writeFileSync(join(folder, 'own'), controlPlane.certificate);
    const verify = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslclient',
      '-CAfile',
      join(folder, 'ca'),
      join(folder, 'own'),
    ];

    expect(execFileSync('openssl', verify, { encoding: 'utf8' })).toContain(': OK');
  });

  it('carry the one name that AWS lets in, and a CA that the configuration takes', () => {
    expect(own.subject).toBe('CN=carrierarr-control-plane');
    expect(fieldsOf({ homelab: { controlPlane: { trustAnchor: authority.certificate } } })).toEqual([]);
  });

  it('are of P-256, each with its own key', () => {
    expect(own.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
    expect(own.checkPrivateKey(createPrivateKey(controlPlane.key))).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(controlPlane.key))).toBe(false);
  });

  it('last ten years and one', () => {
    expect([daysOf(ca), daysOf(own)]).toEqual([3650, 365]);
  });

  it('have long serial numbers, and another each time', async () => {
    const next = new X509Certificate((await certifyControlPlane(authority, 'carrierarr', 30)).certificate);

    expect(next.checkIssued(ca)).toBe(true);
    expect(next.serialNumber).toMatch(/^4[0-9A-F]{39}$/);
    expect(next.serialNumber).not.toBe(own.serialNumber);
    expect(daysOf(next)).toBe(30);
  });

  it('leave nothing behind', async () => {
    const temporary = mkdtempSync(join(folder, 'temporary-'));
    vi.stubEnv('TMPDIR', temporary);
    try {
      await makeControlPlaneCertificates('carrierarr');
    } finally {
      vi.unstubAllEnvs();
    }

    expect(readdirSync(temporary)).toEqual([]);
  });
});
