import { randomBytes, X509Certificate } from 'node:crypto';
import * as z from 'zod';
import type { CertifiedRole } from '../../deploy/certified-role.ts';
import type { ApiCall } from '../protocol/call.ts';
import { AwsRefusal } from '../protocol/refusal.ts';
import { jsonReply, type Reply } from '../protocol/reply.ts';
import { type SignedRequest, signerOf } from './signature.ts';

export interface SessionsSettings {
  readonly region: string;
  readonly accountId: string;
  readonly now: () => number;
}

interface Session {
  readonly expiresAt: number;
  readonly subject: string;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** No node's key id begins so: read as a number it is larger than any node's. */
const PREFIX = 'ASIA7';
const DEFAULT_SECONDS = 3600;

const Wishes = z.object({
  durationSeconds: z.number().int().min(900).max(43_200).optional(),
  trustAnchorArn: z.string().optional(),
  profileArn: z.string().optional(),
  roleArn: z.string().optional(),
});

const PutEvents = z.object({
  Entries: z.array(z.looseObject({ Source: z.string(), DetailType: z.string(), EventBusName: z.string() })).min(1),
});

const denied = (message: string): AwsRefusal => new AwsRefusal('AccessDeniedException', message, 403);

const keyId = (): string => PREFIX + [...randomBytes(15)].map((byte) => ALPHABET.charAt(byte % 32)).join('');

const subjectOf = ({ subject }: X509Certificate): Record<string, string> =>
  Object.fromEntries(
    subject.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/**
 * IAM Roles Anywhere, and what its credentials may do: a certificate of the trusted authority is exchanged for
 * credentials, with which observations can be put on the fleet's bus and nothing else can be done. All of it is checked,
 * signatures of certificates included; only the signature of PutEvents itself is not, as nobody's is here.
 */
export class Sessions {
  readonly #settings: SessionsSettings;
  readonly #sessions = new Map<string, Session>();
  #role: (CertifiedRole & { readonly bus: string }) | undefined;

  constructor(settings: SessionsSettings) {
    this.#settings = settings;
  }

  /** Says what the deployed templates trust. */
  trust(role: CertifiedRole, bus: string): void {
    this.#role = { ...role, bus };
  }

  /** @throws AwsRefusal */
  create(call: ApiCall, request: SignedRequest): Reply {
    if (call.action !== 'POST /sessions') throw new AwsRefusal('ResourceNotFoundException', `no ${call.action}`, 404);
    const certificate = signerOf(request, this.#settings.now());
    const role = this.#roleFor(request, certificate);
    const { durationSeconds = DEFAULT_SECONDS } = this.#wishes(request);
    const accessKeyId = keyId();
    const expiresAt = this.#settings.now() + durationSeconds * 1000;
    this.#sessions.set(accessKeyId, { expiresAt, subject: certificate.subject });
    const serial = certificate.serialNumber.toLowerCase();
    const roleArn = this.#arn('iam', `role/${role.roleName}`);
    const credentials = {
      accessKeyId,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(60).toString('base64'),
      expiration: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const assumedRoleUser = {
      arn: this.#arn('sts', `assumed-role/${role.roleName}/${serial}`),
      assumedRoleId: `AROAEMBEDDED:${serial}`,
    };
    return jsonReply(
      201,
      {
        credentialSet: [
          { assumedRoleUser, credentials, packedPolicySize: 0, roleArn, sourceIdentity: `CN=${role.commonName}` },
        ],
        subjectArn: this.#arn('rolesanywhere', `subject/${role.trustAnchorId}`),
      },
      { 'content-type': 'application/json' },
    );
  }

  /** Whether the credentials of a call are such ones, and it is theirs to make. @throws AwsRefusal if not theirs to make */
  check(call: ApiCall, body: string): void {
    const session = this.#sessions.get(call.accessKeyId);
    // Keys that look the same are the emulator's own: of roles that the CDK assumes.
    if (session === undefined) return;
    if (session.expiresAt <= this.#settings.now()) {
      throw new AwsRefusal('ExpiredTokenException', 'The security token included in the request is expired');
    }
    const role = this.#role;
    const refusal = denied(`User: ${session.subject} is not authorized to perform: ${call.service}:${call.action}`);
    if (role === undefined || call.service !== 'events' || call.action !== 'PutEvents') throw refusal;
    const { Entries } = PutEvents.parse(JSON.parse(body));
    for (const { Source, DetailType, EventBusName } of Entries) {
      const bus = EventBusName.slice(EventBusName.lastIndexOf('/') + 1);
      if (bus !== role.bus || !role.sources.includes(Source) || !role.detailTypes.includes(DetailType)) throw refusal;
    }
  }

  #roleFor(request: SignedRequest, certificate: X509Certificate): CertifiedRole {
    const role = this.#role;
    const wishes = this.#wishes(request);
    if (role === undefined || !(wishes.trustAnchorArn ?? '').endsWith(`:trust-anchor/${role.trustAnchorId}`)) {
      throw new AwsRefusal('ResourceNotFoundException', 'no such trust anchor', 404);
    }
    const authority = new X509Certificate(role.authority);
    const now = this.#settings.now();
    const valid = certificate.validFromDate.getTime() <= now && now < certificate.validToDate.getTime();
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
      throw denied('Untrusted certificate. Insufficient certificate');
    }
    if (!valid || certificate.ca) throw denied('Untrusted certificate: out of date, or of an authority');
    if (!(wishes.profileArn ?? '').endsWith(`:profile/${role.profileId}`)) throw denied('no such profile');
    if (!(wishes.roleArn ?? '').endsWith(`:role/${role.roleName}`)) throw denied('the role is not in the profile');
    if (subjectOf(certificate).CN !== role.commonName) throw denied('Unable to assume role');
    return role;
  }

  /** In the query or in the body, as versions of the API have it. */
  #wishes({ path, body }: SignedRequest): z.infer<typeof Wishes> {
    const { searchParams } = new URL(path, 'http://edge.invalid');
    const given = z.record(z.string(), z.unknown()).safeParse(body === '' ? {} : JSON.parse(body));
    const wishes = Wishes.safeParse({ ...Object.fromEntries(searchParams), ...given.data });
    if (wishes.success) return wishes.data;
    throw new AwsRefusal('ValidationException', z.prettifyError(wishes.error));
  }

  #arn(service: string, resource: string): string {
    const { region, accountId } = this.#settings;
    return `arn:aws:${service}:${service === 'rolesanywhere' ? region : ''}:${accountId}:${resource}`;
  }
}
