import type { CertificateRow, Life } from './port.ts';
import { key, timeToLive } from './rows.ts';
import { absent, any, equals, type Item, type Store } from './store.ts';
import type { RowPorts } from './track-progress.ts';

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

/** Reads the table itself: the index may not show yet what was issued a moment before the fence. */
export const revokeCertificates = async ({ store, clock }: RowPorts, life: Life): Promise<string[]> => {
  const rows = (await store.scan('CERT')).map(toCertificate);
  const due = rows.filter(
    ({ name, generation }) => name === life.name && (life.generation === '' || generation === life.generation),
  );
  const revoked = { status: 'revoked', revokedAt: clock.now().toISOString() };
  for (const { fingerprint } of due) {
    const issued = equals('status', 'issued');
    await store.update({ pk: key.certificate(fingerprint), set: revoked, condition: issued });
  }
  return due.map(({ fingerprint }) => fingerprint).sort();
};
