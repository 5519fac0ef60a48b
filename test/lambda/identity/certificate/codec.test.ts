import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CertificateRuleError } from '#shared/errors.ts';
import {
  certificateFromPem,
  certificateToPem,
  decodeCertificate,
  encodeCertificate,
  encodeDetails,
  fingerprintOf,
} from '../../../../lambda/identity/certificate/index.ts';
import { nodeDetails, signedBy, testAuthority } from '../support/authority.ts';

/**
 * Made by the real nebula-cert of the version in the name: `worker-*` and `odd-*` with the key of `testAuthority()`,
 * whose certificate is `ca.crt`, so that their signatures can be made again; the others with keys thrown away since.
 */
const GOLDEN = 'test/golden/nebula';
const certificates = readdirSync(GOLDEN).filter((file) => file.endsWith('.crt'));
const read = (file: string): string => readFileSync(`${GOLDEN}/${file}`, 'utf8');
const authority = testAuthority();

describe('the codec', () => {
  it.each(certificates)('reads %s as nebula-cert wrote it and writes the same bytes again', (file) => {
    const pem = read(file);

    expect(certificateToPem(certificateFromPem(pem))).toBe(pem);
  });

  it('signs exactly the 121 bytes of the runbook worker, field by field', () => {
    const details = nodeDetails(authority, {
      notBefore: 1_795_291_736,
      notAfter: 1_826_827_735,
      publicKey: Buffer.concat([Buffer.from('d6201305', 'hex'), Buffer.alloc(25), Buffer.from('7cea48', 'hex')]),
      issuer: `14685f32${'00'.repeat(25)}bef15d`,
    });

    const fields = [
      `0a0e${Buffer.from('gpu-worker-001').toString('hex')}`,
      '1209818490538080fcff0f',
      `2207${Buffer.from('workers').toString('hex')}2203${Buffer.from('aws').toString('hex')}`,
      '28d8f487d806',
      '30d7db8ce706',
      `3a20d6201305${'00'.repeat(25)}7cea48`,
      `4a2014685f32${'00'.repeat(25)}bef15d`,
    ];
    expect(encodeDetails(details).toString('hex')).toBe(fields.join(''));
    expect(encodeDetails(details)).toHaveLength(121);
  });

  it.each(['worker-1.6.1.crt', 'worker-1.9.7.crt', 'odd-1.9.7.crt'])('signs %s again byte for byte', (file) => {
    const theirs = certificateFromPem(read(file));

    const ours = signedBy(testAuthority(), theirs.details);

    expect(certificateToPem(ours)).toBe(read(file));
    expect(encodeCertificate(ours)).toHaveLength(file.startsWith('worker') ? 189 : encodeCertificate(theirs).length);
  });

  it.each(certificates)('gives %s the fingerprint that nebula-cert gives it', (file) => {
    const printed = JSON.parse(read(file.replace('.crt', '.json'))) as { fingerprint: string };

    expect(fingerprintOf(certificateFromPem(read(file)))).toBe(printed.fingerprint);
  });

  it('keeps a mask of no bits and one of all bits', () => {
    const { details } = certificateFromPem(read('odd-1.9.7.crt'));

    expect(details.unsafeNetworks.map(({ bits }) => bits)).toEqual([24, 0, 32]);
  });
});

describe('a certificate that Nebula could never verify', () => {
  const bytes = encodeCertificate(signedBy(authority));
  const details = bytes.subarray(2, 2 + (bytes[1] ?? 0));
  const signature = bytes.subarray(2 + (bytes[1] ?? 0));
  const wrap = (changed: Uint8Array): Buffer =>
    Buffer.concat([Uint8Array.of(0x0a, changed.length), changed, signature]);
  const nameEnd = 2 + 'gpu-worker-001'.length;

  it.each([
    ['an unknown field', wrap(Buffer.concat([details, Buffer.from('5001', 'hex')])), /unknown to version 1/],
    ['an explicit default', wrap(Buffer.concat([details, Buffer.from('4000', 'hex')])), /canonical/],
    [
      'fields in another order',
      wrap(Buffer.concat([details.subarray(nameEnd), details.subarray(0, nameEnd)])),
      /canonical/,
    ],
    ['a curve nobody knows', wrap(Buffer.concat([details, Buffer.from('a00602', 'hex')])), /unknown to version 1/],
    ['a missing end', bytes.subarray(0, 100), /ends inside/],
    ['no details', signature, /no details/],
    ['nothing', Buffer.alloc(0), /no details/],
    ['text that is not UTF-8', wrap(Buffer.concat([Buffer.from('0a01ff', 'hex'), details.subarray(nameEnd)])), /UTF-8/],
    ['an odd list of addresses', wrap(Buffer.concat([Buffer.from('120101', 'hex')])), /pairs/],
    ['a mask with holes', wrap(Buffer.from('120681849053ff01', 'hex')), /holes/],
    ['a short public key', wrap(Buffer.from('3a0101', 'hex')), /shorter than 32 bytes/],
    ['a number without end', wrap(Buffer.from(`28${'ff'.repeat(11)}`, 'hex')), /more than ten bytes/],
    ['a date beyond all calendars', wrap(Buffer.from(`28${'ff'.repeat(8)}7f`, 'hex')), /years 0 to 9999/],
  ])('with %s is refused', (_, changed, message) => {
    expect(() => decodeCertificate(changed)).toThrow(CertificateRuleError);
    expect(() => decodeCertificate(changed)).toThrow(message);
  });
});
