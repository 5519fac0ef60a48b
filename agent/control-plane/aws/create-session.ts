import * as z from 'zod';
import {
  type CarrierarrError,
  ConfigurationError,
  PermissionError,
  ServiceUnavailableError,
  ThrottledError,
} from '#shared/errors.ts';
import type { SigningCertificate } from './certificate.ts';
import type { AwsSettings } from './settings.ts';
import { signSession } from './sign-session.ts';

/** Credentials for about an hour. */
export interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

const Answer = z.object({
  credentialSet: z
    .array(
      z.object({
        credentials: z.object({
          accessKeyId: z.string().min(1),
          secretAccessKey: z.string().min(1),
          sessionToken: z.string().min(1),
          expiration: z.coerce.date(),
        }),
      }),
    )
    .min(1),
});
const Refusal = z.object({ message: z.string() });

const CALL = 'rolesanywhere:CreateSession';
const LIMIT_MILLISECONDS = 10_000;

const REMEDIES: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /untrusted|trust anchor|insufficient certificate/i,
    'the certificate must be signed by the CA in homelab.controlPlane.trustAnchor, with that CA deployed: `carrierarr homelab certificate`, then `npx cdk deploy --all`',
  ],
  [
    /clock|skew|signature (has )?expired|not yet current/i,
    "set the clock of the control plane's node: it is off by minutes",
  ],
  [/not ?found|does not exist|disabled/i, 'copy the three ARNs anew: `carrierarr homelab control-plane` prints them'],
];
const OTHERWISE =
  "the certificate's common name must be <fleet>-control-plane and the three ARNs those of this fleet: `carrierarr homelab control-plane` prints them";

const messageOf = (body: string): string => {
  try {
    return Refusal.parse(JSON.parse(body)).message;
  } catch {
    return body.slice(0, 200) || 'no reason given';
  }
};

/** Roles Anywhere says 403 of everything that it does not trust, and why in words only. */
const refusal = (status: number, body: string): CarrierarrError => {
  const message = messageOf(body);
  const got = `${status}: ${message}`;
  const again = 'none needed, it is tried again';
  if (status === 429) return new ThrottledError({ what: `${CALL} was throttled`, got, remedy: again });
  if (status >= 500) return new ServiceUnavailableError({ what: `${CALL} failed on AWS's side`, got, remedy: again });
  const remedy = REMEDIES.find(([pattern]) => pattern.test(message))?.[1] ?? OTHERWISE;
  if (status === 403) return new PermissionError({ what: `${CALL} was refused`, got, remedy });
  return new ConfigurationError({ what: `${CALL} was not understood`, got, remedy });
};

const unreachable = (url: URL, error: unknown): ServiceUnavailableError => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new ServiceUnavailableError({
    what: 'IAM Roles Anywhere cannot be reached',
    got: `${url.host}: ${cause instanceof Error ? cause.message : String(cause)}`,
    remedy: 'let the control plane out to port 443 (NetworkPolicy, proxy, DNS); it is tried again',
    cause: error,
  });
};

/**
 * Exchanges the certificate for credentials.
 *
 * @throws PermissionError, ConfigurationError when they are refused, each with its remedy
 * @throws ServiceUnavailableError, ThrottledError when it is worth another try
 */
export const createSession = async (settings: AwsSettings, signer: SigningCertificate, at: Date): Promise<Session> => {
  const { trustAnchorArn, profileArn, roleArn, region } = settings;
  const url = new URL('/sessions', settings.sessionsEndpoint);
  const body = JSON.stringify({ profileArn, roleArn, trustAnchorArn });
  // `fetch` writes the host itself, as it is signed.
  const { host: _, ...headers } = signSession(signer, { url, region, body, at });
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(LIMIT_MILLISECONDS) });
    text = await answer.text();
  } catch (error) {
    throw unreachable(url, error);
  }
  if (!answer.ok) throw refusal(answer.status, text);
  return readSession(text);
};

const readSession = (text: string): Session => {
  try {
    const [first] = Answer.parse(JSON.parse(text)).credentialSet;
    if (first !== undefined) return first.credentials;
  } catch {
    // What was read may hold credentials: nothing of it is told.
  }
  throw new ServiceUnavailableError({
    what: `${CALL} answered something else than credentials`,
    remedy: 'check AWS_ENDPOINT_URL; it is tried again',
  });
};
