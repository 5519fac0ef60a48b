import { beforeAll, describe, expect, it, vi } from 'vitest';
import { certificateToPem } from '../../../lambda/identity/certificate/index.ts';
import { testAuthority } from './support/authority.ts';
import { settings } from './support/settings.ts';

const environment = {
  AWS_REGION: 'us-west-2',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  FLEET: 'carrierarr',
  FLEET_SETTINGS: JSON.stringify(settings()),
  REGISTRY_TABLE: 'carrierarr-registry',
  SIGNER: JSON.stringify({ kind: 'kms', keyArn: 'arn:aws:kms:us-west-2:111122223333:key/0f1e' }),
  AGENT_KEY_SECRET: '',
  CA_CERTIFICATE: certificateToPem(testAuthority().certificate),
};

beforeAll(() => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});

describe('the handlers start from their environment', () => {
  it('identity refuses an operation it does not know', async () => {
    const { handler } = await import('../../../lambda/identity/handler.ts');

    await expect(handler({ operation: 'forge' })).rejects.toMatchObject({
      name: 'InputError',
      faults: [{ allowed: 'issue, revoke, due, renew, openHandover, closeHandover' }],
    });
  });

  it('certificates answers problems over HTTP', async () => {
    const { handler } = await import('../../../lambda/identity/certificates.handler.ts');

    await expect(handler({ httpMethod: 'GET', path: '/elsewhere' })).resolves.toMatchObject({ statusCode: 404 });
  });

  it('ca leaves the CA alone when the stack goes', async () => {
    const { handler } = await import('../../../lambda/identity/ca.handler.ts');

    await expect(handler({ RequestType: 'Delete', PhysicalResourceId: 'f' })).resolves.toEqual({
      PhysicalResourceId: 'f',
    });
  });
});
