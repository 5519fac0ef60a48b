import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from 'vitest';
import { createKmsSigner } from '../../../../lambda/shared/aws/kms.ts';
import { mockClient } from '../../../support/mock-client.ts';

const KEY = 'arn:aws:kms:us-west-2:123456789012:key/1f5e';
const kms = mockClient(KMSClient);
const signer = createKmsSigner(KEY, new KMSClient({ region: 'us-west-2' }));
const failure = (name: string): Error => Object.assign(new Error(`${name} said KMS`), { name });

beforeEach(() => kms.reset());

describe('the KMS signer', () => {
  it('signs the message itself with plain Ed25519', async () => {
    kms.on(SignCommand).resolves({ Signature: Uint8Array.of(1, 2) });

    await expect(signer.sign(Uint8Array.of(7))).resolves.toEqual(Uint8Array.of(1, 2));

    expect(kms.commandCalls(SignCommand)[0]?.args[0].input).toEqual({
      KeyId: KEY,
      Message: Uint8Array.of(7),
      MessageType: 'RAW',
      SigningAlgorithm: 'ED25519_SHA_512',
    });
  });

  it('hands on the public key as KMS gives it', async () => {
    kms.on(GetPublicKeyCommand, { KeyId: KEY }).resolves({ PublicKey: Uint8Array.of(0x30) });

    await expect(signer.publicKey()).resolves.toEqual(Uint8Array.of(0x30));
  });

  it.each([
    ['DisabledException', 'ConfigurationError'],
    ['KMSInvalidStateException', 'ConfigurationError'],
    ['NotFoundException', 'ConfigurationError'],
    ['AccessDeniedException', 'PermissionError'],
    ['ThrottlingException', 'ThrottledError'],
    ['KMSInternalException', 'ThrottledError'],
  ])('turns %s into a %s', async (name, expected) => {
    kms.on(SignCommand).rejects(failure(name));

    await expect(signer.sign(Uint8Array.of(7))).rejects.toMatchObject({ name: expected });
  });

  it('does not take an answer without a signature for one', async () => {
    kms.on(SignCommand).resolves({});

    await expect(signer.sign(Uint8Array.of(7))).rejects.toMatchObject({ name: 'ConfigurationError' });
  });
});
