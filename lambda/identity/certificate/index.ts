/** Nebula certificates, version 1, on node:crypto alone: no AWS, no file, no clock. The command uses it offline. */
export * from './certificate.ts';
export { decodeCertificate, encodeCertificate, encodeDetails, fingerprintOf } from './codec.ts';
export { certificateToJson, formatInstant } from './json.ts';
export { caSigningKey, generateNodeKeyPair, type NodeKeyPair, rawEd25519 } from './keys.ts';
export * from './network.ts';
export * from './pem.ts';
export * from './verify.ts';
