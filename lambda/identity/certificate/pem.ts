import type { Certificate, Curve } from './certificate.ts';
import { decodeCertificate, encodeCertificate } from './codec.ts';
import { malformed } from './wire.ts';

/** Labels of Nebula's PEM blocks (its cert/pem.go). */
const LABEL = {
  certificate: 'NEBULA CERTIFICATE',
  certificateV2: 'NEBULA CERTIFICATE V2',
  nodePrivateKey: 'NEBULA X25519 PRIVATE KEY',
  nodePublicKey: 'NEBULA X25519 PUBLIC KEY',
  p256PublicKey: 'NEBULA P256 PUBLIC KEY',
  caPrivateKey: 'NEBULA ED25519 PRIVATE KEY',
} as const;

interface Block {
  readonly label: string;
  readonly bytes: Buffer;
}

const COLUMNS = 64;
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----[ \t]*(?:\r?\n|$)/y;
const BEGIN = '-----BEGIN ';

/** As Go's `pem.EncodeToMemory`: 64 columns, newline at the end. */
const encodeBlock = (label: string, bytes: Uint8Array): string => {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
};

/** Text before a block is skipped as Go does; text after the last one is an error as it is for Nebula. */
const decodeBlocks = (pem: string): Block[] => {
  const blocks: Block[] = [];
  let rest = 0;
  for (;;) {
    const start = pem.indexOf(BEGIN, rest);
    if (start < 0) break;
    BLOCK.lastIndex = start;
    const match = BLOCK.exec(pem);
    if (match === null) throw malformed('PEM block is damaged', pem.slice(start, start + 60).split('\n')[0]);
    blocks.push({ label: match[1] ?? '', bytes: Buffer.from(match[2] ?? '', 'base64') });
    rest = BLOCK.lastIndex;
  }
  if (blocks.length === 0 || pem.slice(rest).trim() !== '')
    throw malformed('input did not contain a valid PEM encoded block');
  return blocks;
};

const onlyBlock = (pem: string): Block => {
  const [block, ...more] = decodeBlocks(pem);
  if (block === undefined || more.length > 0) throw malformed('expected one PEM block', `${more.length + 1} blocks`);
  return block;
};

const asCertificate = ({ label, bytes }: Block): Certificate => {
  if (label === LABEL.certificateV2)
    throw malformed('certificate of version 2: nodes before Nebula 1.10 cannot read it', label);
  if (label !== LABEL.certificate) throw malformed('bytes did not contain a proper nebula certificate banner', label);
  return decodeCertificate(bytes);
};

export const certificateToPem = (certificate: Certificate): string =>
  encodeBlock(LABEL.certificate, encodeCertificate(certificate));

/** Reads one certificate. @throws CertificateRuleError */
export const certificateFromPem = (pem: string): Certificate => asCertificate(onlyBlock(pem));

/** Reads a file of one or more certificates, in their order. @throws CertificateRuleError */
export const certificatesFromPem = (pem: string): Certificate[] => decodeBlocks(pem).map(asCertificate);

const key = (pem: string, label: string, length: number): Buffer => {
  const block = onlyBlock(pem);
  if (block.label !== label) throw malformed(`expected a block "${label}"`, `"${block.label}"`);
  if (block.bytes.length !== length)
    throw malformed(`"${label}" should hold ${length} bytes`, `${block.bytes.length} bytes`);
  return block.bytes;
};

export const nodePrivateKeyToPem = (raw: Uint8Array): string => encodeBlock(LABEL.nodePrivateKey, raw);
export const nodePublicKeyToPem = (raw: Uint8Array): string => encodeBlock(LABEL.nodePublicKey, raw);
/** @throws CertificateRuleError */
export const nodePrivateKeyFromPem = (pem: string): Buffer => key(pem, LABEL.nodePrivateKey, 32);

/** A node's public key as `nebula-cert keygen -out-pub` writes it. @throws CertificateRuleError */
export const publicKeyFromPem = (pem: string): { readonly raw: Buffer; readonly curve: Curve } => {
  if (onlyBlock(pem).label === LABEL.p256PublicKey) return { raw: key(pem, LABEL.p256PublicKey, 65), curve: 'P256' };
  return { raw: key(pem, LABEL.nodePublicKey, 32), curve: 'CURVE25519' };
};

/** An unencrypted `ca.key`: 64 bytes, seed and public key. @throws CertificateRuleError */
export const caPrivateKeyFromPem = (pem: string): Buffer => key(pem, LABEL.caPrivateKey, 64);
