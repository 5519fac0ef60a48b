import type { WorkerRow } from '#contract';
import { readAgentKeys, signAgentToken } from '#shared/contract/agent-token.ts';
import { ConfigurationError } from '#shared/errors.ts';
import type { IdentityPorts } from './ports.ts';

/** What a worker's agent shows the control plane: a field of the worker's secret, and nowhere else. */
export interface TokenField {
  readonly agent_token?: string;
}

type TokenPorts = Pick<IdentityPorts, 'agentKeys' | 'clock' | 'settings'>;

/** The first key signs; those below it are kept while their tokens live. */
const signingKey = (text: string): string => {
  const [key] = readAgentKeys(text).keys;
  if (key !== undefined) return key;
  throw new ConfigurationError({
    what: 'the secret with the key of agent tokens holds no key',
    allowed: 'one key a line, each of 43 characters or more; the first one signs',
    remedy: 'write a new key into it (docs/operations.md#the-key-of-agent-tokens)',
  });
};

/**
 * A token for a worker's agent, for as long as its certificate lives and a day; nothing where tokens are off.
 * @throws ConfigurationError when the key is gone
 */
export const agentToken = async (
  { agentKeys, clock, settings }: TokenPorts,
  { name, generation, address }: Pick<WorkerRow, 'name' | 'generation' | 'address'>,
  notAfter: string,
): Promise<TokenField> => {
  const keys = await agentKeys();
  if (keys === undefined) return {};
  const claims = { worker: name, fleet: settings.fleet, generation, address };
  const lifetime = { issuedAt: clock.now(), certificateEnd: new Date(notAfter) };
  return { agent_token: await signAgentToken(claims, signingKey(keys), lifetime) };
};
