import { describe, expect, it } from 'vitest';
import { CertificateRequest } from '#contract';
import {
  certificateFromPem,
  formatNetwork,
  generateNodeKeyPair,
  nodePublicKeyToPem,
  poolFromPem,
  verifyCertificate,
} from '../../../lambda/identity/certificate/index.ts';
import { certifyNode } from '../../../lambda/identity/certify-node.ts';
import { findCertificate, listCertificates } from '../../../lambda/identity/look-up-certificates.ts';
import { reserveWorker, testFleet } from './support/fleet.ts';

const DAY = 86_400_000;
const newKey = (): string => nodePublicKeyToPem(generateNodeKeyPair().publicKey);
const request = (overrides: Partial<CertificateRequest> = {}): CertificateRequest =>
  CertificateRequest.parse({ name: 'laptop', publicKey: newKey(), ...overrides });
const networkOf = (pem: string): string => certificateFromPem(pem).details.networks.map(formatNetwork).join();

describe('certifying a public key made elsewhere', () => {
  it('makes a certificate that the mesh takes, for exactly that key', async () => {
    const fleet = testFleet();
    const publicKey = newKey();

    const issued = await certifyNode(fleet, request({ publicKey }));

    const certificate = certificateFromPem(issued.pem);
    expect(verifyCertificate(certificate, poolFromPem(issued.ca), fleet.clock.now())).toEqual({ ok: true });
    expect(nodePublicKeyToPem(certificate.details.publicKey)).toBe(publicKey);
    expect(issued).toMatchObject({ name: 'laptop', role: 'external', status: 'issued', groups: ['workers', 'aws'] });
    expect(networkOf(issued.pem)).toBe(`${issued.address}/16`);
  });

  it('takes address, groups and days as asked', async () => {
    const fleet = testFleet();

    const issued = await certifyNode(fleet, request({ address: '10.100.9.9', groups: ['aws'], days: 30 }));

    expect(issued).toMatchObject({ address: '10.100.9.9', groups: ['aws'], notAfter: '2026-12-22T00:00:00Z' });
  });

  it('is recorded, listed newest first and found by fingerprint and by name', async () => {
    const fleet = testFleet();
    const first = await certifyNode(fleet, request());
    fleet.clock.advance(1000);
    const second = await certifyNode(fleet, request({ name: 'desktop' }));

    const { certificates } = await listCertificates(fleet, undefined);

    expect(certificates.map(({ name }) => name)).toEqual(['desktop', 'laptop']);
    await expect(findCertificate(fleet, first.fingerprint)).resolves.toEqual(first);
    await expect(findCertificate(fleet, 'desktop')).resolves.toEqual(second);
    await expect(listCertificates(fleet, 'laptop')).resolves.toMatchObject({ certificates: [{ name: 'laptop' }] });
    await expect(findCertificate(fleet, 'nobody')).resolves.toBeUndefined();
  });

  it('gives no two nodes one address, and none to a worker afterwards', async () => {
    const fleet = testFleet();

    const nodes = await Promise.all(['a', 'b', 'c'].map((name) => certifyNode(fleet, request({ name }))));
    const { worker } = await reserveWorker(fleet, 'w1');

    expect(new Set([...nodes.map(({ address }) => address), worker.address]).size).toBe(4);
  });

  it('renews the holder of the key at the same address', async () => {
    const fleet = testFleet();
    const publicKey = newKey();
    const first = await certifyNode(fleet, request({ publicKey }));
    fleet.clock.advance(3 * DAY);

    const second = await certifyNode(fleet, request({ publicKey }));

    expect(second.address).toBe(first.address);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    await expect(findCertificate(fleet, first.fingerprint)).resolves.toMatchObject({ status: 'issued' });
  });
});

describe('certifying is refused', () => {
  it('for a narrower mask, unless forced', async () => {
    const fleet = testFleet();
    const narrow = { address: '10.100.9.9/24' };

    await expect(certifyNode(fleet, request(narrow))).rejects.toMatchObject({
      name: 'CertificateRuleError',
      allowed: '/16',
    });
    const forced = await certifyNode(fleet, request({ ...narrow, force: true }));

    expect(networkOf(forced.pem)).toBe('10.100.9.9/24');
  });

  it.each(['10.100.0.1', '10.100.0.0', '10.100.255.255', '10.101.1.1', '10.100.9.9/8'])('for %s', async (address) => {
    await expect(certifyNode(testFleet(), request({ address }))).rejects.toMatchObject({
      name: 'CertificateRuleError',
    });
  });

  it("for the homelab's own range, which nobody here allocates", async () => {
    await expect(certifyNode(testFleet(), request({ address: '10.100.1.5' }))).rejects.toMatchObject({
      name: 'AddressError',
    });
  });

  it('for the address of a worker', async () => {
    const fleet = testFleet();
    const { worker } = await reserveWorker(fleet, 'w1');

    await expect(certifyNode(fleet, request({ address: worker.address }))).rejects.toMatchObject({
      name: 'AddressError',
    });
  });

  it('for the name of a worker, even by force', async () => {
    const fleet = testFleet();
    await reserveWorker(fleet, 'w1');

    await expect(certifyNode(fleet, request({ name: 'w1', force: true }))).rejects.toMatchObject({
      name: 'NameConflictError',
    });
  });

  it("for groups that are not the CA's, before any address is taken", async () => {
    const fleet = testFleet();

    await expect(certifyNode(fleet, request({ groups: ['lighthouse'] }))).rejects.toThrow(/lighthouse/);

    await expect(certifyNode(fleet, request())).resolves.toMatchObject({ address: '10.100.2.1' });
  });

  it.each([
    ['words', 'not a key'],
    ['a certificate', '-----BEGIN NEBULA CERTIFICATE-----\nAAAA\n-----END NEBULA CERTIFICATE-----\n'],
    ['a private key', nodePublicKeyToPem(new Uint8Array(32).fill(7)).replaceAll('PUBLIC', 'PRIVATE')],
    [
      'a P-256 key',
      `-----BEGIN NEBULA P256 PUBLIC KEY-----\n${Buffer.alloc(65, 4).toString('base64')}\n-----END NEBULA P256 PUBLIC KEY-----\n`,
    ],
  ])('for %s instead of a public key, without repeating it', async (_, publicKey) => {
    const error = await certifyNode(testFleet(), request({ publicKey })).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: 'InputError', faults: [{ field: 'publicKey' }] });
    expect(String(error)).not.toContain(publicKey.split('\n')[1] ?? publicKey);
  });

  it('for a name in force with another key, unless forced: then the earlier one is revoked', async () => {
    const fleet = testFleet();
    const first = await certifyNode(fleet, request());

    await expect(certifyNode(fleet, request())).rejects.toMatchObject({ name: 'CertificateRuleError' });
    const second = await certifyNode(fleet, request({ force: true }));

    await expect(findCertificate(fleet, first.fingerprint)).resolves.toMatchObject({ status: 'revoked' });
    await expect(findCertificate(fleet, second.fingerprint)).resolves.toMatchObject({ status: 'issued' });
  });

  it('for another address of the same key, even one that begins alike', async () => {
    const fleet = testFleet();
    const publicKey = newKey();
    await certifyNode(fleet, request({ publicKey, address: '10.100.3.1' }));

    await expect(certifyNode(fleet, request({ publicKey, address: '10.100.3.10' }))).rejects.toMatchObject({
      name: 'CertificateRuleError',
    });
  });

  it('for the key of a revoked certificate, under any name and by any force', async () => {
    const fleet = testFleet();
    const publicKey = newKey();
    await certifyNode(fleet, request({ publicKey }));
    await certifyNode(fleet, request({ force: true }));

    await expect(certifyNode(fleet, request({ name: 'other', publicKey, force: true }))).rejects.toThrow(
      /belongs to a revoked certificate/,
    );
  });
});
