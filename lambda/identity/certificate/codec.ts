import { createHash } from 'node:crypto';
import type { Certificate, CertificateDetails } from './certificate.ts';
import { bitsOf, maskOf, type Network } from './network.ts';
import { malformed, type WireField, WireReader, WireWriter } from './wire.ts';

/**
 * Version 1 certificates, field numbers of Nebula's cert_v1.proto. Every verifier decodes a certificate and encodes it
 * again before it checks the signature, so there is exactly one valid encoding, and whatever does not encode back to
 * itself is refused here instead of failing later as "signature did not match".
 */
const P256 = 1n;
const MINIMUM_PUBLIC_KEY = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const pairs = (networks: readonly Network[]): number[] =>
  networks.flatMap(({ address, bits }) => [address, maskOf(bits)]);

/** The bytes that the CA signs. */
export const encodeDetails = (details: CertificateDetails): Buffer => {
  const writer = new WireWriter()
    .bytes(1, Buffer.from(details.name))
    .packed(2, pairs(details.networks))
    .packed(3, pairs(details.unsafeNetworks));
  for (const group of details.groups) writer.element(4, Buffer.from(group));
  return writer
    .int(5, BigInt(details.notBefore))
    .int(6, BigInt(details.notAfter))
    .bytes(7, details.publicKey)
    .int(8, details.isCa ? 1n : 0n)
    .bytes(9, Buffer.from(details.issuer, 'hex'))
    .int(100, details.curve === 'P256' ? P256 : 0n)
    .finish();
};

export const encodeCertificate = ({ details, signature }: Certificate): Buffer =>
  new WireWriter().element(1, encodeDetails(details)).bytes(2, signature).finish();

/** Nebula's fingerprint: SHA-256 over details and signature, hex. A CA's is the issuer of what it signs. */
export const fingerprintOf = (certificate: Certificate): string =>
  createHash('sha256').update(encodeCertificate(certificate)).digest('hex');

const text = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw malformed('certificate holds text that is not UTF-8', String(cause));
  }
};

const unpack = (bytes: Uint8Array): Network[] => {
  const reader = new WireReader(bytes);
  const networks: Network[] = [];
  while (!reader.done) {
    const address = Number(reader.varint());
    if (reader.done) throw malformed('addresses and masks should come in pairs, an odd number was found');
    networks.push({ address: address >>> 0, bits: bitsOf(Number(reader.varint())) });
  }
  return networks;
};

/** Years 0 to 9999: what RFC 3339 can write. */
const EARLIEST = -62_167_219_200n;
const LATEST = 253_402_300_799n;

const seconds = (value: bigint): number => {
  const signed = BigInt.asIntN(64, value);
  if (signed < EARLIEST || signed > LATEST) throw malformed('date is outside the years 0 to 9999', `${signed} s`);
  return Number(signed);
};

type Draft = { -readonly [Key in keyof CertificateDetails]: CertificateDetails[Key] };

const setBytes = (draft: Draft, field: number, value: Uint8Array): boolean => {
  if (field === 1) draft.name = text(value);
  else if (field === 2) draft.networks = unpack(value);
  else if (field === 3) draft.unsafeNetworks = unpack(value);
  else if (field === 4) draft.groups = [...draft.groups, text(value)];
  else if (field === 7) draft.publicKey = Uint8Array.from(value);
  else if (field === 9) draft.issuer = Buffer.from(value).toString('hex');
  else return false;
  return true;
};

const setInt = (draft: Draft, field: number, value: bigint): boolean => {
  if (field === 5) draft.notBefore = seconds(value);
  else if (field === 6) draft.notAfter = seconds(value);
  else if (field === 8) draft.isCa = value !== 0n;
  else if (field === 100 && value === P256) draft.curve = 'P256';
  else return false;
  return true;
};

const setField = (draft: Draft, field: WireField): boolean =>
  field.kind === 'bytes' ? setBytes(draft, field.field, field.value) : setInt(draft, field.field, field.value);

const decodeDetails = (bytes: Uint8Array): CertificateDetails => {
  const draft: Draft = {
    name: '',
    networks: [],
    unsafeNetworks: [],
    groups: [],
    notBefore: 0,
    notAfter: 0,
    publicKey: new Uint8Array(),
    isCa: false,
    issuer: '',
    curve: 'CURVE25519',
  };
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const field = reader.field();
    if (!setField(draft, field))
      throw malformed('certificate holds a field or value unknown to version 1', `field ${field.field}`);
  }
  if (draft.publicKey.length < MINIMUM_PUBLIC_KEY) {
    throw malformed('public key is shorter than 32 bytes', `${draft.publicKey.length} bytes`);
  }
  return draft;
};

/** @throws CertificateRuleError when the bytes are not a certificate exactly as Nebula encodes one. */
export const decodeCertificate = (bytes: Uint8Array): Certificate => {
  const reader = new WireReader(bytes);
  let details: CertificateDetails | undefined;
  let signature: Uint8Array = new Uint8Array();
  while (!reader.done) {
    const field = reader.field();
    if (field.kind === 'bytes' && field.field === 1) details = decodeDetails(field.value);
    else if (field.kind === 'bytes' && field.field === 2) signature = Uint8Array.from(field.value);
    else throw malformed('certificate holds an unknown field', `field ${field.field}`);
  }
  if (details === undefined) throw malformed('certificate holds no details');
  const certificate = { details, signature };
  if (!encodeCertificate(certificate).equals(bytes)) {
    throw malformed('certificate is not in the canonical encoding, so its signature could never match');
  }
  return certificate;
};
