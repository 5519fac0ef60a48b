/**
 * Whoever holds the CA's private key: KMS, or a `nebula-cert` CA in a Secrets Manager secret. Ed25519 only; the message
 * is signed as it is, never a digest of it.
 */
export interface Signer {
  /** DER, SubjectPublicKeyInfo. */
  publicKey(): Promise<Uint8Array>;
  /** @param message at most {@link MAXIMUM_MESSAGE_BYTES} */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** KMS's limit of `Message` for RAW; Ed25519 has no way round it, since it does not sign digests. */
export const MAXIMUM_MESSAGE_BYTES = 4096;
