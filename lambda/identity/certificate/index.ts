/** Nebula certificates, version 1, on node:crypto alone: no AWS, no file, no clock. The command uses it offline. */
export * from './certificate.ts';
export { decodeCertificate, encodeCertificate, encodeDetails, fingerprintOf } from './codec.ts';
export { certificateToJson, formatInstant } from './json.ts';
export { caSigningKey, ed25519FromSpki, generateNodeKeyPair, type NodeKeyPair } from './keys.ts';
export * from './network.ts';
export * from './pem.ts';
export * from './verify.ts';
