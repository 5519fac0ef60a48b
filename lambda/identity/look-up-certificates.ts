import { type CertificateList, CertificateView, type IssuedCertificate } from '#contract';
import type { IdentityPorts } from './ports.ts';

type LookUpPorts = Pick<IdentityPorts, 'issuer' | 'registry'>;

const FINGERPRINT = /^[0-9a-f]{64}$/;

/** Newest first. */
export const listCertificates = async (
  { registry }: LookUpPorts,
  name: string | undefined,
): Promise<CertificateList> => {
  const rows = await registry.listCertificates(name === undefined ? {} : { name });
  return { certificates: rows.map((row) => CertificateView.parse(row)) };
};

/** By fingerprint, or the newest of a name; undefined when there is none. */
export const findCertificate = async (
  { registry, issuer }: LookUpPorts,
  id: string,
): Promise<IssuedCertificate | undefined> => {
  const row = FINGERPRINT.test(id)
    ? await registry.findCertificate(id)
    : (await registry.listCertificates({ name: id }))[0];
  return row === undefined ? undefined : { ...CertificateView.parse(row), ca: (await issuer()).bundle };
};
