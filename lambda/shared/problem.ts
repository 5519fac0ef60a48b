import type { Problem } from '#contract';
import { type CarrierarrError, findCarrierarrError, InputError, RequestError } from './errors.ts';

export interface ProblemAnswer {
  readonly status: number;
  readonly body: Problem;
}

/** What the caller can do something about; every other error is ours and answers 500. */
const REPORTED: Readonly<Record<string, { status: number; title: string }>> = {
  InputError: { status: 400, title: 'The request is not valid' },
  NameConflictError: { status: 409, title: 'The name is in use' },
  ClusterConflictError: { status: 409, title: 'The cluster has its server already' },
  AddressError: { status: 409, title: 'The mesh address is not available' },
  OwnershipLostError: { status: 409, title: 'The worker has changed hands' },
  SecretConflictError: { status: 409, title: 'The secret belongs to somebody else' },
  CertificateRuleError: { status: 422, title: 'The certificate would break a rule of the mesh' },
};

const REQUEST_TITLES: Readonly<Record<RequestError['status'], string>> = {
  404: 'Not found',
  405: 'Method not allowed',
  413: 'The body is too large',
  415: 'Unsupported media type',
};

const type = (name: string): string =>
  `urn:carrierarr:problem:${name
    .replace(/Error$/, '')
    .replace(/\B[A-Z]/g, '-$&')
    .toLowerCase()}`;

const faultsOf = (error: CarrierarrError): Problem['faults'] => {
  if (error instanceof InputError) return error.faults.map((fault) => ({ ...fault }));
  if (error.got === undefined && error.allowed === undefined) return [];
  return [{ field: '(request)', what: error.what, got: error.got ?? 'nothing', allowed: error.allowed ?? 'nothing' }];
};

const reported = (error: CarrierarrError): { status: number; title: string } | undefined =>
  error instanceof RequestError ? { status: error.status, title: REQUEST_TITLES[error.status] } : REPORTED[error.name];

/** Says nothing of the inside: no ARN, no table, no stack; the request id leads to the log. */
const internal = (passing: boolean, requestId: string): ProblemAnswer => ({
  status: passing ? 503 : 500,
  body: {
    type: passing ? 'urn:carrierarr:problem:unavailable' : 'urn:carrierarr:problem:internal',
    title: passing ? 'Not available at the moment' : 'The request failed on our side',
    status: passing ? 503 : 500,
    detail: `request ${requestId} could not be served`,
    faults: [],
    remedy: passing
      ? 'send the request again in a few seconds'
      : `look for request ${requestId} in the log group of the function`,
  },
});

/** The RFC 9457 answer to an error: what, got, allowed and remedy of ours, next to nothing of any other. */
export const problemFrom = (error: unknown, requestId = 'unknown'): ProblemAnswer => {
  const known = findCarrierarrError(error);
  const answer = known === undefined ? undefined : reported(known);
  if (known === undefined || answer === undefined) return internal(known?.kind === 'retry', requestId);
  const body: Problem = {
    type: type(known.name),
    ...answer,
    detail: known.what,
    faults: faultsOf(known),
    remedy: known.remedy,
  };
  return { status: answer.status, body };
};
