import { describe, expect, it } from 'vitest';
import { createKmsSigner } from '#shared/aws/kms.ts';
import {
  type CertificateDetails,
  certificateToPem,
  createPool,
  ed25519FromSpki,
  encodeDetails,
  generateNodeKeyPair,
  trustAuthority,
  verifyCertificate,
} from '../../../lambda/identity/certificate/index.ts';
import { createIssuer } from '../../../lambda/identity/issuer.ts';
import { createKeySigner } from '../../../lambda/identity/key-signer.ts';
import { type CertificateOrder, signCertificate, signDetails } from '../../../lambda/identity/sign-certificate.ts';
import type { Signer } from '../../../lambda/identity/signer.ts';
import { NOW, network, testAuthority } from './support/authority.ts';
import { createFakeKms } from './support/fake-kms.ts';
import { settings } from './support/settings.ts';

const seconds = NOW.getTime() / 1000;
const { mesh } = settings();
const order = (overrides: Partial<CertificateOrder> = {}): CertificateOrder => ({
  name: 'gpu-worker-001',
  network: network('10.100.2.1/16'),
  groups: ['workers', 'aws'],
  publicKey: generateNodeKeyPair().publicKey,
  days: 7,
  force: false,
  ...overrides,
});
const issuerOf = (authority = testAuthority(), signer: Signer = createKeySigner(authority.rawKey)) =>
  createIssuer(signer, certificateToPem(authority.certificate), mesh);

describe('signing', () => {
  it('makes a certificate that every peer takes, with the key in KMS', async () => {
    const kms = createFakeKms();
    const signer = createKmsSigner(kms.keyArn, kms.client);
    const details = { ...testAuthority().certificate.details, publicKey: kms.publicKey };
    const ca = trustAuthority(await signDetails(signer, details, ed25519FromSpki(await signer.publicKey()).key));
    const issuer = createIssuer(signer, certificateToPem(ca.certificate), mesh);

    const certificate = await signCertificate(issuer, order(), NOW);

    expect(verifyCertificate(certificate, createPool([ca]), NOW)).toEqual({ ok: true });
    expect(kms.signed).toBe(2);
  });

  it('makes the same certificate with the key of an existing CA', async () => {
    const authority = testAuthority();

    const certificate = await signCertificate(issuerOf(authority), order(), NOW);

    expect(verifyCertificate(certificate, createPool([authority]), NOW)).toEqual({ ok: true });
  });

  it('begins five minutes back, for nodes whose clock is behind, and ends after the days asked for', async () => {
    const { details } = await signCertificate(issuerOf(), order({ days: 1.5 }), new Date(NOW.getTime() + 700));

    expect([details.notBefore, details.notAfter]).toEqual([seconds - 300, seconds + 1.5 * 86_400]);
  });

  it('never begins before its CA', async () => {
    const { details } = await signCertificate(issuerOf(testAuthority({ notBefore: seconds - 10 })), order(), NOW);

    expect(details.notBefore).toBe(seconds - 10);
  });

  it('does not even ask the signer for what breaks a rule', async () => {
    const kms = createFakeKms();
    const issuer = issuerOf(testAuthority(), createKmsSigner(kms.keyArn, kms.client));

    await expect(signCertificate(issuer, order({ groups: ['lighthouse'] }), NOW)).rejects.toThrow(/lighthouse/);
    expect(kms.signed).toBe(0);
  });

  it.each<[string, (details: Uint8Array) => Promise<Uint8Array>]>([
    ['another key', createKeySigner(testAuthority({}, 'another CA').rawKey).sign],
    [
      'the right key over something else',
      async (message) => createKeySigner(testAuthority().rawKey).sign(message.slice(1)),
    ],
    ['nothing', async () => new Uint8Array()],
    ['sixty-four zeros', async () => new Uint8Array(64)],
  ])('lets no certificate out that was signed with %s', async (_, sign) => {
    const authority = testAuthority();
    const issuer = issuerOf(authority, { ...createKeySigner(authority.rawKey), sign });

    await expect(signCertificate(issuer, order(), NOW)).rejects.toMatchObject({ name: 'SignatureError', kind: 'stop' });
  });

  it('hands the signer exactly the details', async () => {
    const authority = testAuthority();
    const seen: Uint8Array[] = [];
    const signer = createKeySigner(authority.rawKey);
    const issuer = issuerOf(authority, {
      ...signer,
      sign: (message) => {
        seen.push(message);
        return signer.sign(message);
      },
    });

    const certificate = await signCertificate(issuer, order(), NOW);

    expect(seen).toEqual([encodeDetails(certificate.details satisfies CertificateDetails)]);
  });
});
