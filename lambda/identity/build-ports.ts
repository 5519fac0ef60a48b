import type { FleetSettings, SignerSettings } from '#contract';
import { createDynamoClient } from '#shared/aws/dynamodb.ts';
import { createKmsSigner } from '#shared/aws/kms.ts';
import { createSecrets } from '#shared/aws/secrets.ts';
import { type Clock, systemClock } from '#shared/clock.ts';
import { createRegistry } from '../registry/create-registry.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import { readStoredAuthority } from './key-signer.ts';
import type { IdentityPorts } from './ports.ts';

export interface IdentityEnvironment {
  readonly FLEET_SETTINGS: FleetSettings;
  readonly REGISTRY_TABLE: string;
  readonly SIGNER: SignerSettings;
  readonly CA_CERTIFICATE: string;
  /** Empty: workers get no tokens. Absent: the function hands none out. */
  readonly AGENT_KEY_SECRET?: string;
}

/** The last answer is kept; a failure is not, so that the next call tries again. */
const once = <T>(load: () => Promise<T>): (() => Promise<T>) => {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
};

/** So soon is a key that was replaced in use. */
const KEY_MILLISECONDS = 5 * 60_000;

/** The keys, read again once they are some minutes old. */
const agentKeysReader = (
  secretId: string,
  secrets: Pick<IdentityPorts['secrets'], 'read'>,
  clock: Pick<Clock, 'now'>,
): IdentityPorts['agentKeys'] => {
  if (secretId === '') return async () => undefined;
  let known: { readonly text: string; readonly until: number } | undefined;
  return async () => {
    const now = clock.now().getTime();
    if (known === undefined || known.until <= now) {
      known = { text: await secrets.read(secretId), until: now + KEY_MILLISECONDS };
    }
    return known.text;
  };
};

const loadIssuer = async (
  { SIGNER, CA_CERTIFICATE, FLEET_SETTINGS: { mesh } }: IdentityEnvironment,
  secrets: IdentityPorts['secrets'],
): Promise<Issuer> => {
  if (SIGNER.kind === 'kms') return createIssuer(createKmsSigner(SIGNER.keyArn), CA_CERTIFICATE, mesh);
  const stored = await readStoredAuthority(secrets, SIGNER.secretArn);
  return createIssuer(stored.signer, CA_CERTIFICATE === '' ? stored.certificate : CA_CERTIFICATE, mesh);
};

/** The adapters of both functions of this capability. */
export const buildIdentityPorts = (environment: IdentityEnvironment): IdentityPorts => {
  const { FLEET_SETTINGS: settings, REGISTRY_TABLE: table } = environment;
  const secrets = createSecrets();
  const clock = systemClock;
  const registry = createRegistry({ client: createDynamoClient(), table, clock, random: Math.random, settings });
  return {
    issuer: once(() => loadIssuer(environment, secrets)),
    agentKeys: agentKeysReader(environment.AGENT_KEY_SECRET ?? '', secrets, clock),
    registry,
    secrets,
    clock,
    settings,
  };
};
