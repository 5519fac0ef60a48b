import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import type { Signer } from '../../identity/signer.ts';
import { ConfigurationError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';

const UNUSABLE = [
  'NotFoundException',
  'DisabledException',
  'KMSInvalidStateException',
  'InvalidKeyUsageException',
  'UnsupportedOperationException',
];

const present = (bytes: Uint8Array | undefined, call: string): Uint8Array => {
  if (bytes !== undefined) return bytes;
  throw new ConfigurationError({
    what: `${call} answered without content`,
    remedy: 'look at the key in the KMS console',
  });
};

/** What KMS says about a key that will not work again by itself. */
const keyCall = async <T>(call: string, keyArn: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await awsCall(call, run);
  } catch (error) {
    if (!isAwsError(error, ...UNUSABLE)) throw error;
    throw new ConfigurationError({
      what: `the CA's key cannot be used: ${error.message}`,
      got: `${error.name} for ${keyArn}`,
      allowed: 'an enabled KMS key ECC_NIST_EDWARDS25519 for SIGN_VERIFY',
      remedy: 'enable the key or cancel its deletion; for a lost key see docs/operations.md, "Rolling over the CA"',
      cause: error,
    });
  }
};

/**
 * Signs with an `ECC_NIST_EDWARDS25519` key. `ED25519_SHA_512` over RAW is plain Ed25519, the only form Nebula knows;
 * the other algorithm KMS offers hashes first.
 */
export const createKmsSigner = (
  keyArn: string,
  client = new KMSClient({ retryMode: 'adaptive', maxAttempts: 10 }),
): Signer => ({
  publicKey: async () => {
    const answer = await keyCall('kms:GetPublicKey', keyArn, () =>
      client.send(new GetPublicKeyCommand({ KeyId: keyArn })),
    );
    return present(answer.PublicKey, 'kms:GetPublicKey');
  },
  sign: async (message) => {
    const command = new SignCommand({
      KeyId: keyArn,
      Message: message,
      MessageType: 'RAW',
      SigningAlgorithm: 'ED25519_SHA_512',
    });
    const answer = await keyCall('kms:Sign', keyArn, () => client.send(command));
    return present(answer.Signature, 'kms:Sign');
  },
});
