import type { FleetSettings } from '#contract';
import type { Secrets } from '#shared/aws/secrets.ts';
import type { Clock } from '#shared/clock.ts';
import type { Registry } from '../registry/port.ts';
import type { Issuer } from './issuer.ts';

/** What the operations on identities need; each takes its narrow part. */
export interface IdentityPorts {
  /** Read at first use: an existing CA's key lies in a secret. */
  readonly issuer: () => Promise<Issuer>;
  /** Keys of agent tokens, one a line; undefined where workers get none. Read anew every few minutes. */
  readonly agentKeys: () => Promise<string | undefined>;
  readonly registry: Pick<
    Registry,
    | 'find'
    | 'list'
    | 'findServer'
    | 'holdAddress'
    | 'recordIdentity'
    | 'recordCertificate'
    | 'findCertificate'
    | 'listCertificates'
    | 'revokeCertificates'
  >;
  readonly secrets: Pick<Secrets, 'create' | 'describe' | 'read' | 'put' | 'tag' | 'delete'>;
  readonly clock: Clock;
  readonly settings: FleetSettings;
}
