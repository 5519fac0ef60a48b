import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  caPrivateKeyFromPem,
  certificateFromPem,
  certificatesFromPem,
  certificateToPem,
  generateNodeKeyPair,
  nodePrivateKeyFromPem,
  nodePrivateKeyToPem,
  nodePublicKeyToPem,
  publicKeyFromPem,
} from '../../../../lambda/identity/certificate/index.ts';

const ca = readFileSync('test/golden/nebula/ca.crt', 'utf8');
const worker = readFileSync('test/golden/nebula/worker-1.9.7.crt', 'utf8');

describe('PEM', () => {
  it('reads a bundle in its order, with comments before blocks and Windows line ends', () => {
    const bundle = `# the homelab's CA\r\n${ca.replaceAll('\n', '\r\n')}\n# a worker\n${worker}\n`;

    expect(certificatesFromPem(bundle).map(certificateToPem)).toEqual([ca, worker]);
  });

  it.each([
    ['nothing at all', '', /valid PEM/],
    ['text behind the last block', `${ca}rubbish`, /valid PEM/],
    ['a block cut short', ca.slice(0, -20), /damaged/],
    ['a certificate of version 2', ca.replaceAll('CERTIFICATE', 'CERTIFICATE V2'), /before Nebula 1.10/],
    ['a key instead', nodePublicKeyToPem(new Uint8Array(32)), /banner/],
  ])('refuses %s', (_, pem, message) => {
    expect(() => certificatesFromPem(pem)).toThrow(message);
  });

  it('refuses two certificates where one is wanted', () => {
    expect(() => certificateFromPem(ca + worker)).toThrow(/one PEM block/);
  });

  it('carries a node key there and back', () => {
    const pair = generateNodeKeyPair();

    expect(nodePrivateKeyFromPem(nodePrivateKeyToPem(pair.privateKey))).toEqual(Buffer.from(pair.privateKey));
    expect(publicKeyFromPem(nodePublicKeyToPem(pair.publicKey))).toEqual({
      raw: Buffer.from(pair.publicKey),
      curve: 'CURVE25519',
    });
  });

  it('says which key it wanted, and never shows the one it got', () => {
    const key = nodePrivateKeyToPem(Buffer.alloc(32, 7));

    const reading = () => publicKeyFromPem(key);

    expect(reading).toThrow(/NEBULA X25519 PUBLIC KEY/);
    expect(reading).not.toThrow(new RegExp(key.split('\n')[1] ?? ''));
  });

  it('does not take an encrypted CA key for a key', () => {
    const key = nodePrivateKeyToPem(Buffer.alloc(64)).replaceAll('X25519', 'ED25519 ENCRYPTED');

    expect(() => caPrivateKeyFromPem(key)).toThrow(/"NEBULA ED25519 PRIVATE KEY"/);
  });
});
