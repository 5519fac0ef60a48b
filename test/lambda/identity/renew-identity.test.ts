import { describe, expect, it } from 'vitest';
import { certificateFromPem, formatNetwork } from '../../../lambda/identity/certificate/index.ts';
import { findDueRenewals } from '../../../lambda/identity/find-due-renewals.ts';
import { issueIdentity } from '../../../lambda/identity/issue-identity.ts';
import type { IdentityFields } from '../../../lambda/identity/mint-identity.ts';
import { renewIdentity } from '../../../lambda/identity/renew-identity.ts';
import { aCertificate } from '../../fake/registry-builders.ts';
import { makeReady, reserveWorker, type TestFleet, testFleet } from './support/fleet.ts';

const SECRET = 'catalyst-llm/nebula-w1';
const DAY = 86_400_000;

const ready = async (name = 'w1', fleet = testFleet()) => {
  const reserved = await reserveWorker(fleet, name);
  const issued = await issueIdentity(fleet, reserved);
  const { generation } = await makeReady(fleet, reserved);
  return { fleet, life: { name, generation }, issued, address: reserved.worker.address };
};
const fields = (fleet: TestFleet, version: number) =>
  JSON.parse(fleet.secrets.versionsOf(SECRET)[version] ?? '') as IdentityFields & Record<string, string>;

describe('renewing an identity', () => {
  it('gives the same name and address a new certificate and key as a new version of the secret', async () => {
    const { fleet, life, issued, address } = await ready();
    fleet.clock.advance(4 * DAY);

    const output = await renewIdentity(fleet, life);

    const { details } = certificateFromPem(fields(fleet, 1).nebula_node_crt);
    expect(output).toMatchObject({ secretArn: issued.secretArn, versionId: 'v2', notAfter: '2026-12-03T00:00:00Z' });
    expect(details.name).toBe('w1');
    expect(details.networks.map(formatNetwork)).toEqual([`${address}/16`]);
    expect(fields(fleet, 1).nebula_node_key).not.toBe(fields(fleet, 0).nebula_node_key);
    await expect(fleet.registry.find('w1')).resolves.toMatchObject({
      phase: 'READY',
      certificateFingerprint: output.fingerprint,
    });
  });

  it('leaves the old certificate to expire, since the node works with it until it has swapped', async () => {
    const { fleet, life, issued } = await ready();

    await renewIdentity(fleet, life);

    await expect(fleet.registry.findCertificate(issued.fingerprint)).resolves.toMatchObject({ status: 'issued' });
  });

  it('keeps what others put into the secret', async () => {
    const { fleet, life, issued } = await ready();
    await fleet.secrets.put(issued.secretArn, JSON.stringify({ ...fields(fleet, 0), k3s_token: 'kept' }));

    await renewIdentity(fleet, life);

    expect(fields(fleet, 2).k3s_token).toBe('kept');
  });

  it.each([
    ['another life', async (fleet: TestFleet) => (await ready('w2', fleet)) && { name: 'w1', generation: 'mhx00000' }],
    ['a worker nobody knows', async () => ({ name: 'w9', generation: 'mhx00000' })],
  ])('is refused for %s', async (_, other) => {
    const { fleet } = await ready();

    await expect(renewIdentity(fleet, await other(fleet))).rejects.toMatchObject({ name: 'OwnershipLostError' });
  });

  it('is refused once a teardown has fenced the worker', async () => {
    const { fleet, life } = await ready();
    await fleet.registry.fence(life, 'teardown', 60);

    await expect(renewIdentity(fleet, life)).rejects.toMatchObject({ name: 'OwnershipLostError' });
  });

  it('leaves no valid certificate when the teardown begins in the middle', async () => {
    const { fleet, life } = await ready();
    const { put } = fleet.secrets;
    fleet.secrets.put = async (...call) => {
      await fleet.registry.fence(life, 'teardown', 60);
      return await put(...call);
    };

    await expect(renewIdentity(fleet, life)).rejects.toMatchObject({ name: 'OwnershipLostError' });

    const rows = await fleet.registry.listCertificates({ name: 'w1' });
    expect(rows.map(({ status }) => status)).toEqual(['revoked', 'revoked']);
  });

  it('is refused for a secret that was replaced by hand', async () => {
    const { fleet, life } = await ready();
    fleet.secrets.retag(SECRET, { 'carrierarr:fleet': 'other' });

    await expect(renewIdentity(fleet, life)).rejects.toMatchObject({ name: 'SecretConflictError' });
  });

  it('says so when the secret is gone', async () => {
    const { fleet, life, issued } = await ready();
    await fleet.secrets.delete(issued.secretArn);

    await expect(renewIdentity(fleet, life)).rejects.toMatchObject({ name: 'ConfigurationError' });
  });

  it('quotes nothing of a secret it cannot read', async () => {
    const { fleet, life, issued } = await ready();
    await fleet.secrets.put(issued.secretArn, 'PRIVATE rubbish');

    const error = await renewIdentity(fleet, life).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: 'ConfigurationError', cause: undefined });
    expect(String(error)).not.toContain('PRIVATE');
  });
});

describe('renewal is due', () => {
  it('for workers past half of the life of their certificate', async () => {
    const { fleet, life } = await ready();
    fleet.clock.advance(2 * DAY);
    await ready('w2', fleet);
    fleet.clock.advance(1.6 * DAY);

    await expect(findDueRenewals(fleet, { names: [] })).resolves.toEqual({
      due: [{ ...life, instanceId: 'i-0123456789abcdef0' }],
    });
  });

  it('no longer once it is renewed', async () => {
    const { fleet, life } = await ready();
    fleet.clock.advance(4 * DAY);
    await renewIdentity(fleet, life);

    await expect(findDueRenewals(fleet, { names: [] })).resolves.toEqual({ due: [] });
  });

  it('for a worker whose certificate nobody remembers', async () => {
    const { fleet, life } = await ready();
    const identity = { secretArn: 'arn', fingerprint: 'f'.repeat(64), notAfter: '2027-01-01T00:00:00Z' };
    await fleet.registry.recordIdentity(life, identity);

    await expect(findDueRenewals(fleet, { names: [] })).resolves.toMatchObject({ due: [{ name: 'w1' }] });
  });

  it('for nobody who is not READY', async () => {
    const fleet = testFleet();
    await issueIdentity(fleet, await reserveWorker(fleet, 'w1'));
    fleet.clock.advance(5 * DAY);

    await expect(findDueRenewals(fleet, { names: [] })).resolves.toEqual({ due: [] });
  });

  it('at once for the named workers, each once', async () => {
    const { fleet, life } = await ready();
    await ready('w2', fleet);

    const { due } = await findDueRenewals(fleet, { names: ['w1', 'w1'] });

    expect(due).toEqual([{ ...life, instanceId: 'i-0123456789abcdef0' }]);
  });

  it('never for names that cannot be renewed: every one is reported', async () => {
    const { fleet } = await ready();
    await reserveWorker(fleet, 'w2');

    await expect(findDueRenewals(fleet, { names: ['w1', 'w2', 'w3'] })).rejects.toMatchObject({
      name: 'InputError',
      faults: [{ got: 'w2, in phase RESERVED' }, { got: 'w3, unknown' }],
    });
  });
});

describe('a name that somebody else bears by now', () => {
  it('is not renewed', async () => {
    const { fleet, life } = await ready();
    const other = { name: 'w1', generation: 'external', role: 'external', notAfter: '2026-12-01T00:00:00Z' } as const;
    await fleet.registry.recordCertificate(aCertificate(other));

    await expect(renewIdentity(fleet, life)).rejects.toMatchObject({ name: 'CertificateRuleError' });
  });
});
