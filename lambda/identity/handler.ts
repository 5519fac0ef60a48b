import { ENVIRONMENT } from '#contract';
import { parseEnvironment } from '#shared/environment.ts';
import { createLogger } from '#shared/logging.ts';
import { operationHandler } from '#shared/operation-handler.ts';
import { buildIdentityPorts } from './build-ports.ts';
import { findDueRenewals } from './find-due-renewals.ts';
import { closeHandover, openHandover } from './hand-over.ts';
import { issueIdentity } from './issue-identity.ts';
import { renewIdentity } from './renew-identity.ts';
import { revokeIdentity } from './revoke-identity.ts';

const ports = buildIdentityPorts(parseEnvironment(ENVIRONMENT.identity));

export const handler = operationHandler(
  'identity',
  {
    issue: (input) => issueIdentity(ports, input),
    revoke: (input) => revokeIdentity(ports, input),
    due: (input) => findDueRenewals(ports, input),
    renew: (input) => renewIdentity(ports, input),
    openHandover: (input) => openHandover(ports, input),
    closeHandover: (input) => closeHandover(ports, input),
  },
  createLogger('identity'),
);
