import type { CertificateRow, Life } from './port.ts';
import { key, timeToLive } from './rows.ts';
import { absent, any, equals, type Item, type Store } from './store.ts';
import { findRow, type RowPorts } from './track-progress.ts';

/** After its notAfter a certificate is refused by every peer; the row stays one more day for whoever looks. */
const KEEP_SECONDS = 24 * 3600;

const toCertificate = ({ pk: _pk, kind: _kind, ttl: _ttl, ...row }: Item): CertificateRow =>
  row as unknown as CertificateRow;

const newestFirst = (a: CertificateRow, b: CertificateRow): number => b.issuedAt.localeCompare(a.issuedAt);

/** A repeat is harmless, but never brings a revoked certificate back. */
export const recordCertificate = async ({ store }: Pick<RowPorts, 'store'>, row: CertificateRow): Promise<void> => {
  const ttl = timeToLive(new Date(row.notAfter), KEEP_SECONDS);
  const item: Item = { pk: key.certificate(row.fingerprint), kind: 'CERT', ttl, ...row };
  await store.put({ item, condition: any(absent('pk'), equals('status', 'issued')) });
};

export const findCertificate = async (store: Store, fingerprint: string): Promise<CertificateRow | undefined> => {
  const item = await store.get(key.certificate(fingerprint));
  return item === undefined ? undefined : toCertificate(item);
};

export const listCertificates = async (store: Store, filter: { name?: string } = {}): Promise<CertificateRow[]> => {
  const rows = (await store.list('CERT')).map(toCertificate);
  return rows.filter(({ name }) => filter.name === undefined || name === filter.name).sort(newestFirst);
};

/** The index may not show yet what was issued a moment before the fence; the worker's row names its last one. */
const fingerprintsOf = async (ports: RowPorts, life: Life): Promise<string[]> => {
  const isMeant = (generation: string) => life.generation === '' || generation === life.generation;
  const listed = await listCertificates(ports.store, { name: life.name });
  const row = await findRow(ports, life.name);
  const last = row !== undefined && isMeant(row.generation) ? [row.certificateFingerprint ?? ''] : [];
  const meant = listed.filter(({ generation }) => isMeant(generation)).map(({ fingerprint }) => fingerprint);
  return [...new Set([...meant, ...last])].filter((fingerprint) => fingerprint !== '').sort();
};

export const revokeCertificates = async (ports: RowPorts, life: Life): Promise<string[]> => {
  const fingerprints = await fingerprintsOf(ports, life);
  const revoked = { status: 'revoked', revokedAt: ports.clock.now().toISOString() };
  const condition = equals('status', 'issued');
  for (const fingerprint of fingerprints) {
    await ports.store.update({ pk: key.certificate(fingerprint), set: revoked, condition });
  }
  return fingerprints;
};
