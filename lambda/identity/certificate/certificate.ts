import type { Network } from './network.ts';

export type Curve = 'CURVE25519' | 'P256';

/** What the issuer signs. Field by field Nebula's `RawNebulaCertificateDetails`, version 1. */
export interface CertificateDetails {
  readonly name: string;
  /** A node has exactly one; in a CA the ranges it may sign for, none for no limit. */
  readonly networks: readonly Network[];
  /** Networks behind the node (Nebula's `Subnets`). */
  readonly unsafeNetworks: readonly Network[];
  readonly groups: readonly string[];
  /** Unix seconds. */
  readonly notBefore: number;
  /** Unix seconds. */
  readonly notAfter: number;
  /** Node: raw X25519 key or uncompressed P-256 point. CA: raw Ed25519 key or uncompressed P-256 point. */
  readonly publicKey: Uint8Array;
  readonly isCa: boolean;
  /** Fingerprint of the CA, hex; empty in a CA. */
  readonly issuer: string;
  readonly curve: Curve;
}

export interface Certificate {
  readonly details: CertificateDetails;
  readonly signature: Uint8Array;
}
