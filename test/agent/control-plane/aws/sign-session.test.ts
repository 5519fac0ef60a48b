import { createPrivateKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { algorithmOf, signSession, toBeSigned } from '../../../../agent/control-plane/aws/sign-session.ts';
import { aHolder } from '../../../support/x509.ts';
// Made once with AWS's own client for Python (iam-rolesanywhere-session 3.0.0, on botocore); the keys were thrown away.
import vectors from './support/vectors.json' with { type: 'json' };

const request = { url: new URL(vectors.url), region: vectors.region, body: vectors.body, at: new Date(vectors.at) };
const signatureIn = (authorization: string): Buffer => Buffer.from(authorization.split('Signature=')[1] ?? '', 'hex');

const signerOf = ({ certificate, chain }: { certificate: string; chain: string }) => {
  const leaf = new X509Certificate(certificate);
  return { leaf, signer: { certificate: leaf, chain: chain === '' ? [] : [new X509Certificate(chain)] } };
};

describe('the signature of a session request', () => {
  it.each(vectors.signed)('is over the very text that AWS’s own client signs, with $name', (vector) => {
    const { leaf, signer } = signerOf(vector);

    const { text, by } = toBeSigned(signer, request, algorithmOf(leaf.publicKey));

    expect(vector.authorization.startsWith(`${by}, Signature=`)).toBe(true);
    expect(verify('sha256', Buffer.from(text), leaf.publicKey, signatureIn(vector.authorization))).toBe(true);
    expect(verify('sha256', Buffer.from(`${text} `), leaf.publicKey, signatureIn(vector.authorization))).toBe(false);
  });

  it.each(['ec', 'rsa'] as const)('is verified with the certificate alone, for a key of kind %s', (kind) => {
    const { certificate, key } = aHolder('carrierarr-control-plane', kind);
    const signer = { certificate: new X509Certificate(certificate), chain: [], key: createPrivateKey(key) };

    const { authorization = '', ...headers } = signSession(signer, request);
    const { text } = toBeSigned(signer, request, algorithmOf(signer.key));

    expect(verify('sha256', Buffer.from(text), signer.certificate.publicKey, signatureIn(authorization))).toBe(true);
    expect(Object.keys(headers)).toEqual(['content-type', 'host', 'x-amz-date', 'x-amz-x509']);
  });

  it('names the serial number in decimal, however long', () => {
    const [vector] = vectors.signed;
    const { signer } = signerOf(vector ?? { certificate: '', chain: '' });

    expect(signer.certificate.serialNumber).toBe('F1E2D3C4B5A69788796A5B4C3D2E1F00112233');
    expect(toBeSigned(signer, request, 'A').by).toContain(
      'Credential=5394239030517750101789840213024343324875629107/20261122/us-west-2/rolesanywhere/aws4_request',
    );
  });

  it('refuses a key that AWS cannot verify', () => {
    expect(() => algorithmOf(generateKeyPairSync('ed25519').privateKey)).toThrow(/got ed25519; allowed: ec, rsa/);
  });
});
