import type { OperationInput, OperationOutput, Phase, WorkerRow } from '#contract';
import { OwnershipLostError } from '#shared/errors.ts';
import { agentToken } from './agent-token.ts';
import { assertNameFree } from './check-claims.ts';
import { storeIdentity } from './identity-secret.ts';
import { joinFields } from './join-fields.ts';
import { mintIdentity } from './mint-identity.ts';
import type { IdentityPorts } from './ports.ts';

type IssueInput = OperationInput<'identity', 'issue'>;

const BEFORE_LAUNCH: readonly Phase[] = ['RESERVED', 'IDENTIFIED'];

/** Revocation is decided here and not by a list: a fenced life never gets another certificate. */
const assertMayBeCertified = (row: WorkerRow | undefined, { worker, execution }: IssueInput): void => {
  const mine = row?.generation === worker.generation && row.owner === execution;
  if (mine && BEFORE_LAUNCH.includes(row.phase)) return;
  throw new OwnershipLostError({
    what: `${worker.name} may not be certified`,
    got: row === undefined ? 'no such worker' : `life ${row.generation} in phase ${row.phase}, owned by ${row.owner}`,
    allowed: `life ${worker.generation} of ${execution} in phase ${BEFORE_LAUNCH.join(' or ')}`,
    remedy: 'none needed: another execution took over, or a teardown began',
  });
};

/**
 * Key pair, certificate, secret: one operation, since a private key must never cross a state. Safe to repeat: what an
 * earlier try issued is revoked, and its secret gets the new value.
 * @throws CertificateRuleError, SignatureError, SecretConflictError, NotYetConsistentError, OwnershipLostError,
 * ClusterUnavailableError, ConfigurationError
 */
export const issueIdentity = async (
  ports: IdentityPorts,
  input: IssueInput,
): Promise<OperationOutput<'identity', 'issue'>> => {
  const { registry, secrets, clock } = ports;
  const { worker, execution, server } = input;
  const { name, generation } = worker;
  const life = { name, generation };
  assertMayBeCertified(await registry.find(name), input);
  const rows = await registry.listCertificates({ name });
  assertNameFree(rows, life, clock.now());
  if (rows.some((row) => row.generation === generation)) await registry.revokeCertificates(life);

  const join = await joinFields(ports, worker, server);
  const { row, fields } = await mintIdentity(ports, worker, server);
  const { fingerprint, notAfter } = row;
  const token = await agentToken(ports, worker, notAfter);
  const version = await storeIdentity(ports, worker, execution, { ...fields, ...join, ...token });
  try {
    await registry.recordIdentity(life, { secretArn: version.arn, fingerprint, notAfter });
  } catch (error) {
    // The teardown that fenced us may have looked for the secret before it existed.
    if (error instanceof OwnershipLostError) {
      await secrets.delete(version.arn);
      await registry.revokeCertificates(life);
    }
    throw error;
  }
  return { secretArn: version.arn, versionId: version.versionId, fingerprint, notAfter };
};
