import { describe, expect, it } from 'vitest';
import { certificatesFromPem, certificateToPem, fingerprintOf } from '../../../lambda/identity/certificate/index.ts';
import { createIssuer } from '../../../lambda/identity/issuer.ts';
import { createKeySigner, readStoredAuthority } from '../../../lambda/identity/key-signer.ts';
import { signedBy, testAuthority } from './support/authority.ts';
import { settings } from './support/settings.ts';

const authority = testAuthority();
const homelab = testAuthority({ groups: [] }, 'homelab CA');
const pem = certificateToPem(authority.certificate);
const homelabPem = certificateToPem(homelab.certificate);
const signer = createKeySigner(authority.rawKey);
const { mesh } = settings();
const keyPem = (raw: Buffer, label = 'NEBULA ED25519 PRIVATE KEY'): string =>
  `-----BEGIN ${label}-----\n${raw.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
const stored = (value: string) => readStoredAuthority({ read: async () => value }, 'arn:secret');

describe('the bundle of CAs', () => {
  it('has ours first, then those the homelab trusts, each once and without comments', () => {
    const trustedCas = [`# homelab\r\n${homelabPem.replaceAll('\n', '\r\n')}`, homelabPem, pem];

    const { bundle } = createIssuer(signer, pem, { ...mesh, trustedCas });

    expect(bundle).toBe(pem + homelabPem);
    expect(certificatesFromPem(bundle).map(fingerprintOf)).toEqual([authority.fingerprint, homelab.fingerprint]);
  });

  it.each([
    ['is no certificate', 'rubbish'],
    ['is no CA', certificateToPem(signedBy(authority))],
    ['has version 2, which stops a node of 1.9', homelabPem.replaceAll('CERTIFICATE', 'CERTIFICATE V2')],
  ])('is refused when a trusted CA %s', (_, bad) => {
    expect(() => createIssuer(signer, pem, { ...mesh, trustedCas: [bad] })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError' }),
    );
  });

  it.each([{ cidr: '10.100.0.0' }, { lighthouseAddress: 'home' }])('is refused for a mesh of %o', (wrong) => {
    expect(() => createIssuer(signer, pem, { ...mesh, ...wrong })).toThrow(/mesh/);
  });
});

describe('an existing CA in a secret', () => {
  it('signs with its key and brings its certificate along', async () => {
    const { signer, certificate } = await stored(JSON.stringify({ ca_key: keyPem(authority.rawKey), ca_crt: pem }));

    expect(certificate).toBe(pem);
    expect(Buffer.from(await signer.publicKey()).subarray(-32)).toEqual(authority.rawKey.subarray(32));
  });

  it.each([
    ['is not JSON', 'secret words'],
    ['has no key', JSON.stringify({ ca_crt: pem })],
    [
      'has an encrypted key',
      JSON.stringify({ ca_key: keyPem(authority.rawKey, 'NEBULA ED25519 ENCRYPTED PRIVATE KEY') }),
    ],
    [
      'has a key of the other curve',
      JSON.stringify({ ca_key: keyPem(authority.rawKey.subarray(32), 'NEBULA ECDSA P256 PRIVATE KEY') }),
    ],
    [
      'has a key whose halves differ',
      JSON.stringify({
        ca_key: keyPem(Buffer.concat([authority.rawKey.subarray(0, 32), homelab.rawKey.subarray(32)])),
      }),
    ],
  ])('that %s is a fault of the configuration, told without the key', async (_, value) => {
    const material = [authority.rawKey.subarray(0, 24).toString('base64'), 'secret words'];

    const error = await stored(value).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: 'ConfigurationError', got: 'arn:secret' });
    for (const secret of material) expect(String(error)).not.toContain(secret);
  });
});
