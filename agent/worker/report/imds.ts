import type { Clock, System } from '../ports.ts';
import { oneLine } from '../text.ts';

/** Instance metadata, version 2. What it does not have, or does not tell in time, is undefined; nothing here fails. */
export interface Imds {
  get(path: string): Promise<string | undefined>;
}

export const IMDS_ENDPOINT = 'http://169.254.169.254';
const LIMIT_MS = 1000;
const TOKEN_SECONDS = 300;
// After a failure every path would cost its limit again: one look speaks for a while.
const SILENCE_MS = 30_000;
const HTTP_UNAUTHORIZED = 401;

/**
 * Opens the metadata. Values never change while an instance lives, so each is asked for once.
 * Container networks are a hop away and get no answer where the hop limit is 1; the agent runs on the host.
 */
export const createImds = (system: System, clock: Clock, endpoint = IMDS_ENDPOINT): Imds => {
  const known = new Map<string, string | undefined>();
  let token: { readonly value: Promise<string | undefined>; readonly until: number } | undefined;
  let silentUntil = Number.NEGATIVE_INFINITY;

  const open = async (): Promise<string | undefined> => {
    const answer = await system.ask(`${endpoint}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
      timeoutMs: LIMIT_MS,
    });
    if (answer?.status === 200) return answer.text;
    silentUntil = clock.monotonic() + SILENCE_MS;
    return undefined;
  };
  const session = (): Promise<string | undefined> => {
    const now = clock.monotonic();
    if (now < silentUntil) return Promise.resolve(undefined);
    if (token === undefined || now >= token.until) token = { value: open(), until: now + (TOKEN_SECONDS * 1000) / 2 };
    return token.value;
  };
  const look = async (path: string): Promise<{ status: number; text: string } | undefined> => {
    const value = await session();
    if (value === undefined) {
      token = undefined;
      return undefined;
    }
    const headers = { 'X-aws-ec2-metadata-token': value };
    return system.ask(`${endpoint}/latest/meta-data/${path}`, { headers, timeoutMs: LIMIT_MS });
  };

  return {
    get: async (path) => {
      if (known.has(path)) return known.get(path);
      let answer = await look(path);
      if (answer?.status === HTTP_UNAUTHORIZED) {
        token = undefined;
        answer = await look(path);
      }
      const text = answer?.status === 200 ? oneLine(answer.text) : undefined;
      // 404 is an answer: the instance has no such value.
      if (answer?.status === 200 || answer?.status === 404) known.set(path, text);
      return text;
    },
  };
};
