import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildIdentityPorts } from '../../../lambda/identity/build-ports.ts';
import { certificateToPem } from '../../../lambda/identity/certificate/index.ts';
import { mockClient } from '../../support/mock-client.ts';
import { testAuthority } from './support/authority.ts';
import { settings } from './support/settings.ts';

const sdk = mockClient(SecretsManagerClient);
const authority = testAuthority();
const block = (raw: Buffer): string =>
  `-----BEGIN NEBULA ED25519 PRIVATE KEY-----\n${raw.toString('base64')}\n-----END NEBULA ED25519 PRIVATE KEY-----\n`;
const secret = JSON.stringify({ ca_key: block(authority.rawKey), ca_crt: certificateToPem(authority.certificate) });
const ports = (caCertificate: string) =>
  buildIdentityPorts({
    FLEET_SETTINGS: settings(),
    REGISTRY_TABLE: 'carrierarr-registry',
    SIGNER: { kind: 'secret', secretArn: 'arn:ca' },
    CA_CERTIFICATE: caCertificate,
  });

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'us-west-2');
  sdk.reset();
  sdk.on(GetSecretValueCommand, { SecretId: 'arn:ca' }).resolves({ SecretString: secret });
});

describe('the keys of agent tokens', () => {
  const keysFrom = (secretId: string) =>
    buildIdentityPorts({
      FLEET_SETTINGS: settings(),
      REGISTRY_TABLE: 'carrierarr-registry',
      SIGNER: { kind: 'kms', keyArn: 'arn:key' },
      CA_CERTIFICATE: '',
      AGENT_KEY_SECRET: secretId,
    }).agentKeys;

  afterEach(() => {
    vi.useRealTimers();
  });

  it('are none where there is no secret', async () => {
    await expect(keysFrom('')()).resolves.toBeUndefined();
    expect(sdk.commandCalls(GetSecretValueCommand)).toHaveLength(0);
  });

  it('are read once, and again after five minutes: a replaced key is soon in use', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    sdk
      .on(GetSecretValueCommand, { SecretId: 'arn:agent-key' })
      .resolvesOnce({ SecretString: 'one' })
      .resolves({ SecretString: 'two' });
    const keys = keysFrom('arn:agent-key');

    expect(await keys()).toBe('one');
    vi.setSystemTime(4 * 60_000);
    expect(await keys()).toBe('one');
    vi.setSystemTime(5 * 60_000);
    expect(await keys()).toBe('two');
  });
});

describe('the issuer with an existing CA', () => {
  it('takes the certificate that lies beside the key', async () => {
    await expect(ports('').issuer()).resolves.toMatchObject({ authority: { fingerprint: authority.fingerprint } });
  });

  it('takes the configured certificate before that', async () => {
    const other = testAuthority({ name: 'renewed' });

    const { authority: used } = await ports(certificateToPem(other.certificate)).issuer();

    expect(used.fingerprint).toBe(other.fingerprint);
  });

  it('is read once, and again after a failure', async () => {
    sdk.on(GetSecretValueCommand).rejectsOnce(new Error('not now')).resolves({ SecretString: secret });
    const { issuer } = ports('');

    await expect(issuer()).rejects.toThrow('not now');
    await expect(issuer()).resolves.toBe(await issuer());

    expect(sdk.commandCalls(GetSecretValueCommand)).toHaveLength(2);
  });
});
