import * as z from 'zod';
import { Role } from './names.ts';
import { WorkerView } from './views.ts';
import { Ipv4, WorkerName } from './worker.ts';

/**
 * What the API answers, and what it takes beside {@link ProvisionRequest}. `lambda/api` and `lambda/identity` produce
 * it, `cli/` reads it. Objects are loose: a newer API may add fields.
 *
 * | call | answer |
 * |---|---|
 * | `POST /workers` (ProvisionRequest) | 202 ProvisionAnswer; 200 when the name exists with the same parameters; 409 |
 * | `GET /workers` | 200 WorkerList; with `?all=true` those removed in the last 30 days too |
 * | `GET /workers/{name}` | 200 WorkerView; 404 |
 * | `DELETE /workers/{name}?generation=&deregisterAmi=true` | 202 TeardownAnswer; 404 |
 * | `POST /certificates` (CertificateRequest) | 201 IssuedCertificate |
 * | `GET /certificates?name=` | 200 CertificateList, newest first |
 * | `GET /certificates/{fingerprint or name}` | 200 IssuedCertificate (of a name: the newest); 404 |
 */
export const ProvisionAnswer = z.looseObject({
  name: WorkerName,
  address: Ipv4,
  generation: z.string(),
  /** ARN of the provision execution. */
  execution: z.string(),
});
export type ProvisionAnswer = z.infer<typeof ProvisionAnswer>;

export const WorkerList = z.looseObject({ workers: z.array(WorkerView) });
export type WorkerList = z.infer<typeof WorkerList>;

export const TeardownAnswer = z.looseObject({
  name: WorkerName,
  generation: z.string(),
  /** ARN of the teardown execution, or of the one that is already at it. */
  execution: z.string(),
});
export type TeardownAnswer = z.infer<typeof TeardownAnswer>;

/** A certificate for a public key that was made elsewhere (`nebula-cert keygen`): its private key never leaves. */
export const CertificateRequest = z.strictObject({
  name: WorkerName,
  /** PEM, `NEBULA X25519 PUBLIC KEY`. */
  publicKey: z.string().min(1).max(1024),
  /** Mesh address, with a mask or without (then the mesh's); absent means the registry picks one. */
  address: z.union([Ipv4, z.cidrv4()]).optional(),
  groups: z.array(z.string().min(1).max(64)).max(32).optional(),
  days: z.number().positive().optional(),
  /** Take a mask narrower than the mesh's, or replace a certificate of that name that is still in force. */
  force: z.boolean().optional(),
});
export type CertificateRequest = z.infer<typeof CertificateRequest>;

/** A certificate ever issued; the PEM is public. */
export const CertificateView = z.looseObject({
  fingerprint: z.string(),
  name: z.string(),
  address: z.string(),
  groups: z.array(z.string()),
  role: z.union([Role, z.literal('external')]),
  issuer: z.string(),
  notBefore: z.string(),
  notAfter: z.string(),
  issuedAt: z.string(),
  status: z.enum(['issued', 'revoked']),
  pem: z.string(),
});
export type CertificateView = z.infer<typeof CertificateView>;

export const CertificateList = z.looseObject({ certificates: z.array(CertificateView) });
export type CertificateList = z.infer<typeof CertificateList>;

export const IssuedCertificate = CertificateView.extend({
  /** PEM bundle of every CA the mesh trusts, ours first: the new node's `pki.ca`. */
  ca: z.string(),
});
export type IssuedCertificate = z.infer<typeof IssuedCertificate>;
