import * as z from 'zod';
import type { OperationInput, OperationOutput, WorkerRow } from '#contract';
import { ConfigurationError, OwnershipLostError } from '#shared/errors.ts';
import type { Life } from '../registry/port.ts';
import { agentToken } from './agent-token.ts';
import { assertNameFree } from './check-claims.ts';
import { isSecretOf, refuseForeignSecret } from './identity-secret.ts';
import { mintIdentity } from './mint-identity.ts';
import type { ServerAddresses } from './nebula-config.ts';
import type { IdentityPorts } from './ports.ts';

const Fields = z.record(z.string(), z.unknown());

const assertRenewable = (row: WorkerRow | undefined, life: Life): WorkerRow => {
  if (row?.generation === life.generation && row.phase === 'READY') return row;
  throw new OwnershipLostError({
    what: `the certificate of ${life.name} may not be renewed`,
    got: row === undefined ? 'no such worker' : `life ${row.generation} in phase ${row.phase}`,
    allowed: `life ${life.generation} in phase READY`,
    remedy: 'none needed: the worker is being torn down or was replaced',
  });
};

const missingSecret = (name: string, what: string): ConfigurationError =>
  new ConfigurationError({
    what: `the secret of ${name} ${what}`,
    allowed: 'the JSON that IssueIdentity wrote',
    remedy: `tear ${name} down and provision it again: its node cannot be given a new certificate`,
  });

/** Only a gpu-worker has one; none where the server has gone since. */
const serverOf = async ({ registry }: IdentityPorts, worker: WorkerRow): Promise<ServerAddresses | undefined> => {
  const server = worker.role === 'gpu-worker' ? await registry.findServer(worker.cluster) : undefined;
  return server && { meshIp: server.address, privateIp: server.privateIp ?? '' };
};

/** Other fields of the secret, such as what the node needs to join the cluster, are kept. */
const readFields = async ({ secrets }: IdentityPorts, name: string, arn: string): Promise<Record<string, unknown>> => {
  try {
    return Fields.parse(JSON.parse(await secrets.read(arn)));
  } catch (error) {
    // A parser's message quotes its input, which here holds a private key.
    if (error instanceof SyntaxError || error instanceof z.ZodError) throw missingSecret(name, 'is not JSON');
    throw error;
  }
};

/**
 * A new key pair, certificate and agent token for the same name and address, as a new version of the worker's secret. The old
 * certificate is left to expire: the node works with it until it has swapped (docs/adr/0012).
 * @throws CertificateRuleError, SignatureError, SecretConflictError, OwnershipLostError, ConfigurationError
 */
export const renewIdentity = async (
  ports: IdentityPorts,
  life: OperationInput<'identity', 'renew'>,
): Promise<OperationOutput<'identity', 'renew'>> => {
  const { registry, secrets, clock, settings } = ports;
  const worker = assertRenewable(await registry.find(life.name), life);
  const secret = worker.secretArn === undefined ? undefined : await secrets.describe(worker.secretArn);
  if (secret === undefined || secret.deleted) throw missingSecret(life.name, 'is gone');
  if (!isSecretOf(secret, settings.fleet, life)) return refuseForeignSecret(secret);
  assertNameFree(await registry.listCertificates({ name: life.name }), life, clock.now());

  const { agent_token: _, ...present } = await readFields(ports, life.name, secret.arn);
  const { row, fields } = await mintIdentity(ports, worker, await serverOf(ports, worker));
  const { fingerprint, notAfter } = row;
  const token = await agentToken(ports, worker, notAfter);
  const version = await secrets.put(secret.arn, JSON.stringify({ ...present, ...fields, ...token }));
  try {
    await registry.recordIdentity(life, { secretArn: version.arn, fingerprint, notAfter });
  } catch (error) {
    // A teardown began in between; it deletes the secret, but revoked before this certificate was recorded.
    if (error instanceof OwnershipLostError) await registry.revokeCertificates(life);
    throw error;
  }
  return { secretArn: version.arn, versionId: version.versionId, fingerprint, notAfter };
};
