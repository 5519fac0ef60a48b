import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { mockClient } from '../../../support/mock-client.ts';

const failure = (name: string, message: string): Error => Object.assign(new Error(message), { name });

export interface FakeKms {
  readonly keyArn: string;
  readonly client: KMSClient;
  readonly publicKey: Buffer;
  readonly signed: number;
  /** The next calls are refused, as they are while IAM spreads a new role. */
  deny(calls: number): void;
}

/** One Ed25519 key behind the real SDK client, with the rules KMS documents for it. */
export const createFakeKms = (keyArn = 'arn:aws:kms:us-west-2:111122223333:key/0f1e2d3c'): FakeKms => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const client = new KMSClient({ region: 'us-west-2' });
  const mock = mockClient(client);
  const state = { denied: 0, signed: 0 };
  const guard = (keyId: string | undefined): void => {
    if (state.denied > 0) {
      state.denied -= 1;
      throw failure('AccessDeniedException', 'not authorized to perform: kms:Sign');
    }
    if (keyId !== keyArn) throw failure('NotFoundException', `Key '${keyId}' does not exist`);
  };
  mock.on(GetPublicKeyCommand).callsFake((input) => {
    guard(input.KeyId);
    return {
      KeyId: keyArn,
      PublicKey: publicKey.export({ format: 'der', type: 'spki' }),
      KeySpec: 'ECC_NIST_EDWARDS25519',
    };
  });
  mock.on(SignCommand).callsFake((input) => {
    guard(input.KeyId);
    const { Message, MessageType, SigningAlgorithm } = input;
    if (Message.length < 1 || Message.length > 4096) throw failure('ValidationException', 'Message out of range');
    if (SigningAlgorithm !== 'ED25519_SHA_512' || MessageType !== 'RAW') {
      throw failure('ValidationException', 'ED25519_SHA_512 needs RAW');
    }
    state.signed += 1;
    return { KeyId: keyArn, Signature: sign(null, Message, privateKey satisfies KeyObject), SigningAlgorithm };
  });
  return {
    keyArn,
    client,
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
    get signed() {
      return state.signed;
    },
    deny: (calls) => {
      state.denied = calls;
    },
  };
};
