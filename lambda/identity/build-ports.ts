import type { FleetSettings, SignerSettings } from '#contract';
import { createDynamoClient } from '#shared/aws/dynamodb.ts';
import { createKmsSigner } from '#shared/aws/kms.ts';
import { createSecrets } from '#shared/aws/secrets.ts';
import { systemClock } from '#shared/clock.ts';
import { createRegistry } from '../registry/create-registry.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import { readStoredAuthority } from './key-signer.ts';
import type { IdentityPorts } from './ports.ts';

export interface IdentityEnvironment {
  readonly FLEET_SETTINGS: FleetSettings;
  readonly REGISTRY_TABLE: string;
  readonly SIGNER: SignerSettings;
  readonly CA_CERTIFICATE: string;
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
  return { issuer: once(() => loadIssuer(environment, secrets)), registry, secrets, clock, settings };
};
