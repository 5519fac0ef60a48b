import { describe, expect, it } from 'vitest';
import { aCertificate, aReservedLife } from '../../fake/registry-builders.ts';
import type { MakeRegistry } from './contract-life.ts';

/** What every registry does with certificates, lists and orphans. */
export const describeRecords = (make: MakeRegistry): void => {
  describe('certificates', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

    it('are found by fingerprint and by name, newest first', async () => {
      const { registry } = await make();
      await registry.recordCertificate(aCertificate({ fingerprint: a }));
      await registry.recordCertificate(aCertificate({ fingerprint: b, issuedAt: '2026-11-22T10:00:00.000Z' }));
      await registry.recordCertificate(aCertificate({ fingerprint: c, name: 'other' }));

      expect(await registry.findCertificate(a)).toEqual(aCertificate({ fingerprint: a }));
      expect(await registry.findCertificate('d'.repeat(64))).toBeUndefined();
      const mine = await registry.listCertificates({ name: 'gpu-worker-001' });
      expect(mine.map(({ fingerprint }) => fingerprint)).toEqual([b, a]);
      expect(await registry.listCertificates()).toHaveLength(3);
    });

    it('are revoked by life, and stay revoked when recorded again', async () => {
      const { registry, clock } = await make();
      await registry.recordCertificate(aCertificate({ fingerprint: a }));
      await registry.recordCertificate(aCertificate({ fingerprint: b, generation: 'mhx0000b' }));

      const revoked = await registry.revokeCertificates({ name: 'gpu-worker-001', generation: 'mhx0000a' });
      await registry.recordCertificate(aCertificate({ fingerprint: a }));

      expect(revoked).toEqual([a]);
      expect(await registry.findCertificate(a)).toMatchObject({
        status: 'revoked',
        revokedAt: clock.now().toISOString(),
      });
      expect(await registry.findCertificate(b)).toMatchObject({ status: 'issued' });
    });

    it('of every life are revoked when none is named, and the first revocation keeps its time', async () => {
      const { registry, clock } = await make();
      const before = clock.now().toISOString();
      await registry.recordCertificate(aCertificate({ fingerprint: a }));
      await registry.revokeCertificates({ name: 'gpu-worker-001', generation: '' });
      await registry.recordCertificate(aCertificate({ fingerprint: b, generation: 'mhx0000b' }));
      clock.advance(1000);

      const revoked = await registry.revokeCertificates({ name: 'gpu-worker-001', generation: '' });

      expect(revoked).toEqual([a, b]);
      expect((await registry.findCertificate(a))?.revokedAt).toBe(before);
    });
  });

  describe('lists', () => {
    it('hold every worker by name, and nothing else', async () => {
      const { registry } = await make();
      for (const name of ['b', 'a']) await aReservedLife(registry, name);
      await registry.recordCertificate(aCertificate());

      expect((await registry.list()).map(({ name }) => name)).toEqual(['a', 'b']);
    });
  });

  describe('orphans', () => {
    it('keep the instant they were first noticed, until they are forgotten', async () => {
      const { registry, clock } = await make();
      const first = await registry.noticeOrphan('i-0123');
      clock.advance(60_000);

      expect(await registry.noticeOrphan('i-0123')).toEqual(first);
      await registry.forgetOrphan('i-0123');
      expect(await registry.noticeOrphan('i-0123')).toEqual(clock.now());
    });
  });
};
