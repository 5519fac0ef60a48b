import { describe, expect, it } from 'vitest';
import { createKmsSigner } from '#shared/aws/kms.ts';
import type { Parameters } from '#shared/aws/parameters.ts';
import { certificateFromPem, certificateToPem, poolFromPem } from '../../../lambda/identity/certificate/index.ts';
import { type ResourcePorts, serveAuthorityResource } from '../../../lambda/identity/serve-authority-resource.ts';
import { createManualClock } from '../../fake/memory-registry.ts';
import { NOW, testAuthority } from './support/authority.ts';
import { createFakeKms } from './support/fake-kms.ts';

const PARAMETER = '/carrierarr/mesh/0f1e/ca.crt';
const seconds = NOW.getTime() / 1000;

const world = () => {
  const kms = createFakeKms();
  const kept = new Map<string, string>();
  const parameters: Parameters = {
    find: async (name) => kept.get(name),
    create: async (name, value) => {
      if (kept.has(name)) return 'exists';
      kept.set(name, value);
      return 'created';
    },
  };
  const clock = createManualClock(NOW.toISOString());
  const sleeping = { ...clock, sleep: async (milliseconds: number) => clock.advance(milliseconds) };
  const ports: ResourcePorts = { signer: (arn) => createKmsSigner(arn, kms.client), parameters, clock: sleeping };
  const properties = (overrides: object = {}) => ({
    ServiceToken: 'arn:aws:lambda:us-west-2:111122223333:function:provider',
    keyArn: kms.keyArn,
    keyId: '0f1e',
    fleet: 'carrierarr',
    name: 'talos-homelab-mesh',
    groups: ['workers', 'aws'],
    days: '3650',
    ...overrides,
  });
  const create = (overrides: object = {}) =>
    serveAuthorityResource(ports, { RequestType: 'Create', ResourceProperties: properties(overrides) });
  const update = (PhysicalResourceId: string, overrides: object = {}) =>
    serveAuthorityResource(ports, {
      RequestType: 'Update',
      PhysicalResourceId,
      ResourceProperties: properties(overrides),
      OldResourceProperties: properties(),
    });
  return { kms, kept, ports, clock, create, update };
};

describe('creating the CA', () => {
  it('signs it by itself through KMS and keeps it in its parameter', async () => {
    const { kms, kept, create } = world();

    const { PhysicalResourceId, Data } = await create();

    const { details } = certificateFromPem(Data?.Certificate ?? '');
    expect([...poolFromPem(Data?.Certificate ?? '').keys()]).toEqual([PhysicalResourceId]);
    expect(details).toMatchObject({ name: 'talos-homelab-mesh', groups: ['workers', 'aws'], isCa: true, networks: [] });
    expect(Buffer.from(details.publicKey)).toEqual(kms.publicKey);
    expect(details.notAfter).toBe(seconds + 3650 * 86_400);
    expect(Data).toMatchObject({
      Fingerprint: PhysicalResourceId,
      Parameter: PARAMETER,
      NotAfter: '2036-11-19T00:00:00Z',
    });
    expect(kept.get(PARAMETER)).toBe(Data?.Certificate);
  });

  it('begins an hour back, so that node certificates can be backdated as well', async () => {
    const { Data } = await world().create();

    expect(certificateFromPem(Data?.Certificate ?? '').details.notBefore).toBe(seconds - 3600);
  });

  it('adopts the kept one when the stack is deployed again, and signs nothing', async () => {
    const { kms, clock, create } = world();
    const first = await create();
    clock.advance(30 * 86_400_000);

    await expect(create()).resolves.toEqual(first);
    expect(kms.signed).toBe(1);
  });

  it('takes the one of whoever was faster', async () => {
    const { ports, kept, create } = world();
    const rival = await create();
    const pem = kept.get(PARAMETER);
    kept.clear();
    const { find } = ports.parameters;
    ports.parameters.find = async (name) => {
      const found = await find(name);
      if (found === undefined && pem !== undefined) kept.set(PARAMETER, pem);
      return found;
    };

    await expect(create()).resolves.toEqual(rival);
  });

  it('refuses a kept certificate of another key', async () => {
    const { kept, create } = world();
    kept.set(PARAMETER, certificateToPem(testAuthority().certificate));

    await expect(create()).rejects.toMatchObject({
      name: 'ConfigurationError',
      what: expect.stringMatching(/another key/),
    });
  });

  it.each([{ name: 'other' }, { groups: ['workers'] }, { groups: [] }])(
    'refuses a kept certificate unlike %o',
    async (wanted) => {
      const { create } = world();
      await create();

      await expect(create(wanted)).rejects.toMatchObject({
        name: 'ConfigurationError',
        remedy: expect.stringMatching(/Rolling over the CA/),
      });
    },
  );

  it.each([{ name: '' }, { groups: ['a,b'] }])('refuses %o by the rules of certificates', async (wanted) => {
    await expect(world().create(wanted)).rejects.toMatchObject({ name: 'CertificateRuleError' });
  });

  it('waits up to a minute for its permission to spread', async () => {
    const { kms, create } = world();
    kms.deny(10);

    await expect(create()).resolves.toMatchObject({ Data: { Parameter: PARAMETER } });
  });

  it('gives up after that minute', async () => {
    const { kms, clock, create } = world();
    kms.deny(1000);

    await expect(create()).rejects.toMatchObject({ name: 'PermissionError' });
    expect(clock.now().getTime() - NOW.getTime()).toBe(60_000);
  });
});

describe('updating the CA', () => {
  it('that changes nothing answers as before', async () => {
    const { create, update } = world();
    const first = await create();

    await expect(update(first.PhysicalResourceId)).resolves.toEqual(first);
  });

  it.each([{ name: 'other' }, { groups: ['workers'] }, { days: '7300' }])('with %o is refused', async (changed) => {
    const { create, update } = world();
    const { PhysicalResourceId } = await create();

    await expect(update(PhysicalResourceId, changed)).rejects.toMatchObject({
      name: 'ConfigurationError',
      remedy: expect.stringMatching(/Rolling over the CA/),
    });
  });
});

describe('naming another key', () => {
  it('is the roll-over: a CA of its own, while the old one is kept', async () => {
    const { kms, kept, create, update } = world();
    const first = await create();

    const second = await update(first.PhysicalResourceId, { keyId: 'ffff', days: '1000' });

    expect(second.PhysicalResourceId).not.toBe(first.PhysicalResourceId);
    expect(second.Data?.Parameter).toBe('/carrierarr/mesh/ffff/ca.crt');
    expect(kept.get(PARAMETER)).toBe(first.Data?.Certificate);
    expect(kms.signed).toBe(2);
  });
});

describe('deleting the CA', () => {
  it('leaves key and certificate as they are', async () => {
    const { kept, ports, create } = world();
    const { PhysicalResourceId } = await create();

    const answer = await serveAuthorityResource(ports, {
      RequestType: 'Delete',
      PhysicalResourceId,
      ResourceProperties: {},
    });

    expect(answer).toEqual({ PhysicalResourceId });
    expect(kept.size).toBe(1);
  });
});

describe('a malformed event', () => {
  it('is refused with every fault', async () => {
    const { ports } = world();

    await expect(
      serveAuthorityResource(ports, { RequestType: 'Create', ResourceProperties: { days: 'many' } }),
    ).rejects.toMatchObject({ name: 'InputError' });
  });
});
