import { credentialsOf } from '../credentials.ts';

/** Secrets Manager with one node's own credentials. */
export interface NodeSecrets {
  read(secretId: string): Promise<string>;
  write(secretId: string, text: string): Promise<void>;
}

export interface Caller {
  readonly instanceId: string;
  readonly region: string;
  readonly awsEndpoint: string;
}

/** The SDK is loaded by the first call: most clouds never play a node. */
export const secretsOf = (caller: Caller): NodeSecrets => {
  const open = async () => {
    const sdk = await import('@aws-sdk/client-secrets-manager');
    const client = new sdk.SecretsManagerClient({
      region: caller.region,
      endpoint: caller.awsEndpoint,
      credentials: credentialsOf(caller.instanceId),
      maxAttempts: 3,
    });
    return { sdk, client };
  };
  return {
    async read(secretId) {
      const { sdk, client } = await open();
      try {
        return (await client.send(new sdk.GetSecretValueCommand({ SecretId: secretId }))).SecretString ?? '';
      } finally {
        client.destroy();
      }
    },
    async write(secretId, text) {
      const { sdk, client } = await open();
      try {
        await client.send(new sdk.PutSecretValueCommand({ SecretId: secretId, SecretString: text }));
      } finally {
        client.destroy();
      }
    },
  };
};
