import { describe, expect, it } from 'vitest';
import { TAG } from '#contract';
import { issueIdentity } from '../../../lambda/identity/issue-identity.ts';
import { revokeIdentity } from '../../../lambda/identity/revoke-identity.ts';
import { reserveWorker, testFleet } from './support/fleet.ts';

const SECRET = 'catalyst-llm/nebula-w1';
const issued = async () => {
  const fleet = testFleet();
  const reserved = await reserveWorker(fleet, 'w1');
  const { fingerprint } = await issueIdentity(fleet, reserved);
  return { fleet, life: { name: 'w1', generation: reserved.worker.generation }, fingerprint };
};

describe('revoking an identity', () => {
  it('revokes every certificate of the life and deletes its secret', async () => {
    const { fleet, life, fingerprint } = await issued();

    await expect(revokeIdentity(fleet, life)).resolves.toEqual({ revoked: [fingerprint], secret: 'deleted' });

    expect(fleet.secrets.versionsOf(SECRET)).toEqual([]);
    await expect(fleet.registry.findCertificate(fingerprint)).resolves.toMatchObject({ status: 'revoked' });
  });

  it('can be repeated, also while AWS is still deleting', async () => {
    const { fleet, life } = await issued();
    fleet.secrets.holdDeletions();
    await revokeIdentity(fleet, life);

    await expect(revokeIdentity(fleet, life)).resolves.toMatchObject({ secret: 'absent' });
  });

  it('works without a row, by name and tags', async () => {
    const { fleet } = await issued();

    await expect(revokeIdentity(fleet, { name: 'w1', generation: '' })).resolves.toMatchObject({ secret: 'deleted' });
  });

  it('finds nothing where nothing was issued', async () => {
    await expect(revokeIdentity(testFleet(), { name: 'w1', generation: 'mhx00000' })).resolves.toEqual({
      revoked: [],
      secret: 'absent',
    });
  });

  it.each([
    ['without tags', {}],
    ['of another fleet', { [TAG.fleet]: 'other', [TAG.worker]: 'w1' }],
    ['of another worker', { [TAG.fleet]: 'carrierarr', [TAG.worker]: 'w2' }],
  ])('leaves a secret %s alone', async (_, tags) => {
    const fleet = testFleet();
    fleet.secrets.plant(SECRET, 'by hand', tags);

    await expect(revokeIdentity(fleet, { name: 'w1', generation: '' })).resolves.toMatchObject({ secret: 'foreign' });

    expect(fleet.secrets.versionsOf(SECRET)).toEqual(['by hand']);
  });

  it('of an earlier life leaves the present life alone', async () => {
    const { fleet, fingerprint } = await issued();

    await expect(revokeIdentity(fleet, { name: 'w1', generation: 'mhx00000' })).resolves.toEqual({
      revoked: [],
      secret: 'foreign',
    });

    await expect(fleet.registry.findCertificate(fingerprint)).resolves.toMatchObject({ status: 'issued' });
  });
});
