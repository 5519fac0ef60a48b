import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import { GENERATION_PATTERN } from './names.ts';
import { Ipv4, WorkerName } from './worker.ts';

/**
 * By what a control plane knows a worker's agent: JWT, HS256, with a key that the fleet and its control plane share.
 * Agents arrive through the mesh door, so that their peer address says nothing. Imported by path and not by the
 * contract's index: only those who sign or verify carry the library.
 */
const ISSUER = 'carrierarr';
const ALGORITHM = 'HS256';

/** A clock may be wrong by this much before a token that has just run out is refused. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** A token outlives its certificate by this: whoever is late with the renewal is off the mesh before it is refused. */
export const AGENT_TOKEN_GRACE_SECONDS = 86_400;

/** HS256 wants 256 bits; a character of the drawn key has almost six. */
export const AGENT_KEY_MINIMUM_CHARACTERS = 43;

/** What a token says of its bearer. */
export const AgentClaims = z.object({
  /** The worker's name; `sub` of the token. */
  worker: WorkerName,
  fleet: z.string().min(1),
  /** Generation of the worker's life; `gen` of the token. */
  generation: z.string().regex(GENERATION_PATTERN),
  /** Mesh address without mask; `ip` of the token. */
  address: Ipv4,
});
export type AgentClaims = z.infer<typeof AgentClaims>;

const Payload = z
  .object({ sub: z.string(), fleet: z.string(), gen: z.string(), ip: z.string() })
  .transform(({ sub, fleet, gen, ip }) => ({ worker: sub, fleet, generation: gen, address: ip }))
  .pipe(AgentClaims);

export type AgentTokenVerdict =
  | { readonly valid: true; readonly claims: AgentClaims; readonly expiresAt: Date }
  /** Says why, and nothing of the token. */
  | { readonly valid: false; readonly reason: string };

const toBytes = (key: string): Uint8Array => new TextEncoder().encode(key);

/** @param certificateEnd - the token ends {@link AGENT_TOKEN_GRACE_SECONDS} later */
export const signAgentToken = async (
  claims: AgentClaims,
  key: string,
  { issuedAt, certificateEnd }: { readonly issuedAt: Date; readonly certificateEnd: Date },
): Promise<string> =>
  await new SignJWT({ fleet: claims.fleet, gen: claims.generation, ip: claims.address })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setIssuer(ISSUER)
    .setSubject(claims.worker)
    .setIssuedAt(issuedAt)
    .setExpirationTime(Math.floor(certificateEnd.getTime() / 1000) + AGENT_TOKEN_GRACE_SECONDS)
    .sign(toBytes(key));

const ANOTHER_KEY = 'the token is signed with another key';

const reasonOf = (error: unknown): string => {
  if (error instanceof errors.JWTExpired) return 'the token has run out';
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's ${error.claim} is not what it must be`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return ANOTHER_KEY;
  return 'it is no token of this kind';
};

const verifyWith = async (token: string, key: string, now: Date): Promise<AgentTokenVerdict> => {
  try {
    const { payload } = await jwtVerify(token, toBytes(key), {
      issuer: ISSUER,
      algorithms: [ALGORITHM],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: now,
    });
    const claims = Payload.safeParse(payload);
    if (!claims.success) return { valid: false, reason: 'the token does not name a worker, its life and its address' };
    return { valid: true, claims: claims.data, expiresAt: new Date((payload.exp ?? 0) * 1000) };
  } catch (error) {
    return { valid: false, reason: reasonOf(error) };
  }
};

/**
 * Whether one of the keys has signed the token and it is in force.
 * @param keys - several while a key is being replaced; none verifies nothing
 */
export const verifyAgentToken = async (
  token: string,
  keys: readonly string[],
  now: Date,
): Promise<AgentTokenVerdict> => {
  let verdict: AgentTokenVerdict = { valid: false, reason: ANOTHER_KEY };
  for (const key of keys) {
    verdict = await verifyWith(token, key, now);
    if (verdict.valid || verdict.reason !== ANOTHER_KEY) return verdict;
  }
  return verdict;
};

/**
 * The keys in the text of a key file, one a line; blank lines and lines that start with `#` are left out.
 * @returns `faults` with the numbers of lines that are too short for a key, never their text
 */
export const readAgentKeys = (
  text: string,
): { readonly keys: readonly string[]; readonly faults: readonly number[] } => {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const given = lines.filter(({ line }) => line !== '' && !line.startsWith('#'));
  const isShort = ({ line }: { line: string }): boolean => line.length < AGENT_KEY_MINIMUM_CHARACTERS;
  return {
    keys: given.filter((one) => !isShort(one)).map(({ line }) => line),
    faults: given.filter(isShort).map(({ number }) => number),
  };
};
