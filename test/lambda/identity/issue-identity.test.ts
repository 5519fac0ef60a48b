import { describe, expect, it } from 'vitest';
import { TAG, UNBOUND } from '#contract';
import {
  certificateFromPem,
  fingerprintOf,
  formatNetwork,
  nodePrivateKeyFromPem,
  poolFromPem,
  verifyCertificate,
} from '../../../lambda/identity/certificate/index.ts';
import { issueIdentity } from '../../../lambda/identity/issue-identity.ts';
import type { IdentityFields } from '../../../lambda/identity/mint-identity.ts';
import { revokeIdentity } from '../../../lambda/identity/revoke-identity.ts';
import { aCertificate } from '../../fake/registry-builders.ts';
import { type ReservedWorker, reserveWorker, testFleet } from './support/fleet.ts';

const SECRET = 'catalyst-llm/nebula-w1';
const fields = (value: string | undefined): IdentityFields => JSON.parse(value ?? '') as IdentityFields;

describe('issuing an identity', () => {
  it('puts into the secret what a node needs to join the mesh', async () => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');

    const output = await issueIdentity(fleet, reserved);

    const secret = fields(fleet.secrets.versionsOf(SECRET)[0]);
    const certificate = certificateFromPem(secret.nebula_node_crt);
    expect(verifyCertificate(certificate, poolFromPem(secret.nebula_ca_crt), fleet.clock.now())).toEqual({ ok: true });
    expect(certificate.details).toMatchObject({ name: 'w1', groups: ['workers', 'aws'] });
    expect(certificate.details.networks.map(formatNetwork)).toEqual([`${reserved.worker.address}/16`]);
    expect(nodePrivateKeyFromPem(secret.nebula_node_key)).toHaveLength(32);
    expect(secret.nebula_ip).toBe(reserved.worker.address);
    expect(secret.lighthouse_endpoint).toBe('nebula.knowledgedump.space:4242');
    expect(secret.nebula_config).toContain('preferred_ranges');
    expect(output).toMatchObject({ versionId: 'v1', fingerprint: fingerprintOf(certificate) });
    expect(output.notAfter).toBe('2026-11-29T00:00:00Z');
  });

  it("tags the secret as nobody's to read yet", async () => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');
    const { worker, execution } = reserved;

    await issueIdentity(fleet, reserved);

    expect(fleet.secrets.tagsOf(SECRET)).toEqual({
      [TAG.fleet]: 'carrierarr',
      [TAG.worker]: 'w1',
      [TAG.generation]: worker.generation,
      [TAG.execution]: execution,
      [TAG.instance]: UNBOUND,
    });
  });

  it('records certificate and identity, and hands out nothing secret', async () => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');

    const output = await issueIdentity(fleet, reserved);

    const key = fields(fleet.secrets.versionsOf(SECRET)[0]).nebula_node_key.split('\n')[1] ?? '';
    const row = await fleet.registry.find('w1');
    const certificate = await fleet.registry.findCertificate(output.fingerprint);
    expect(row).toMatchObject({
      phase: 'IDENTIFIED',
      certificateFingerprint: output.fingerprint,
      secretArn: output.secretArn,
    });
    expect(certificate).toMatchObject({ name: 'w1', status: 'issued', role: 'gpu-worker', groups: ['workers', 'aws'] });
    expect(JSON.stringify([output, row, certificate])).not.toContain(key);
  });

  it('writes a new version and revokes the earlier certificate when its answer was lost', async () => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');
    const first = await issueIdentity(fleet, reserved);

    const second = await issueIdentity(fleet, reserved);

    const [earlier, later] = fleet.secrets.versionsOf(SECRET).map(fields);
    expect(second).toMatchObject({ secretArn: first.secretArn, versionId: 'v2' });
    expect(later?.nebula_node_key).not.toBe(earlier?.nebula_node_key);
    await expect(fleet.registry.findCertificate(first.fingerprint)).resolves.toMatchObject({ status: 'revoked' });
    await expect(fleet.registry.findCertificate(second.fingerprint)).resolves.toMatchObject({ status: 'issued' });
  });
});

describe('issuing is refused', () => {
  const refusal = async (
    prepare: (fleet: ReturnType<typeof testFleet>, reserved: ReservedWorker) => Promise<unknown>,
  ) => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');
    await prepare(fleet, reserved);
    const error: unknown = await issueIdentity(fleet, reserved).catch((reason: unknown) => reason);
    return { fleet, error };
  };

  it('for a secret somebody made by hand, which stays as it is', async () => {
    const { fleet, error } = await refusal(async ({ secrets }) => secrets.plant(SECRET, 'by hand'));

    expect(error).toMatchObject({ name: 'SecretConflictError', kind: 'stop' });
    expect(fleet.secrets.versionsOf(SECRET)).toEqual(['by hand']);
  });

  it('for a secret of an earlier life', async () => {
    const { error } = await refusal(async ({ secrets }) =>
      secrets.plant(SECRET, '{}', { [TAG.fleet]: 'carrierarr', [TAG.worker]: 'w1', [TAG.generation]: 'mhx00000' }),
    );

    expect(error).toMatchObject({ name: 'SecretConflictError', got: 'fleet carrierarr, life mhx00000' });
  });

  it('while a deletion is going on, but only for the moment', async () => {
    const { error } = await refusal(async ({ secrets }) => {
      secrets.holdDeletions();
      secrets.plant(SECRET, '{}');
      await secrets.delete(SECRET);
    });

    expect(error).toMatchObject({ name: 'NotYetConsistentError', kind: 'retry' });
  });

  it('for a fenced life: who is being torn down is not certified again', async () => {
    const { fleet, error } = await refusal(({ registry }, { worker }) => registry.fence(worker, 'teardown', 60));

    expect(error).toMatchObject({ name: 'OwnershipLostError' });
    expect(fleet.secrets.versionsOf(SECRET)).toEqual([]);
    await expect(fleet.registry.listCertificates()).resolves.toEqual([]);
  });

  it('for another execution', async () => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');

    await expect(issueIdentity(fleet, { ...reserved, execution: 'arn:somebody' })).rejects.toMatchObject({
      name: 'OwnershipLostError',
    });
  });

  it.each([
    ['of another life', { generation: 'mhx00000' }],
    ['made for a node outside the fleet', { generation: 'external', role: 'external' as const }],
  ])('while a certificate %s bears the name', async (_, other) => {
    const { error } = await refusal(({ registry }) =>
      registry.recordCertificate(aCertificate({ name: 'w1', notAfter: '2026-12-01T00:00:00Z', ...other })),
    );

    expect(error).toMatchObject({ name: 'CertificateRuleError', what: 'the name w1 is already certified' });
  });

  it.each([
    ['is revoked', { status: 'revoked' as const, notAfter: '2026-12-01T00:00:00Z' }],
    ['has run out', { notAfter: '2026-11-21T23:59:59Z' }],
  ])('no longer when that certificate %s', async (_, other) => {
    const { error } = await refusal(({ registry }) =>
      registry.recordCertificate(aCertificate({ name: 'w1', generation: 'mhx00000', ...other })),
    );

    expect(error).toMatchObject({ versionId: 'v1' });
  });
});

describe('a teardown that begins while an identity is issued', () => {
  it('leaves neither a secret nor a valid certificate', async () => {
    const fleet = testFleet();
    const reserved = await reserveWorker(fleet, 'w1');
    const { create } = fleet.secrets;
    fleet.secrets.create = async (...call) => {
      await fleet.registry.fence(reserved.worker, 'teardown', 60);
      await revokeIdentity(fleet, reserved.worker);
      return await create(...call);
    };

    await expect(issueIdentity(fleet, reserved)).rejects.toMatchObject({ name: 'OwnershipLostError' });

    expect(fleet.secrets.versionsOf(SECRET)).toEqual([]);
    const rows = await fleet.registry.listCertificates({ name: 'w1' });
    expect(rows.map(({ status }) => status)).toEqual(['revoked']);
  });
});
