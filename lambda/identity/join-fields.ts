import { randomInt } from 'node:crypto';
import * as z from 'zod';
import type { ClusterServer, Worker } from '#contract';
import { ClusterUnavailableError, ConfigurationError } from '#shared/errors.ts';
import { renderAgentConfig, renderServerConfig } from './k3s-config.ts';
import type { IdentityPorts } from './ports.ts';

/** What a node needs to open a cluster or to join one: fields of its secret. The tokens must go nowhere else. */
export interface JoinFields {
  readonly k3s_token: string;
  /** Only a server has it: what others join with. Whoever holds it can add nodes, but not read the cluster. */
  readonly k3s_agent_token?: string;
  /** Only a node that joins has it. */
  readonly k3s_url?: string;
  /** Text of k3s' config.yaml. */
  readonly k3s_config: string;
}

type JoinPorts = Pick<IdentityPorts, 'secrets' | 'settings'>;

const TOKEN_CHARACTERS = 48;
const BASE = 36;

/** 248 bits. */
const drawToken = (): string => Array.from({ length: TOKEN_CHARACTERS }, () => randomInt(BASE).toString(BASE)).join('');

const ServerSecret = z.looseObject({ k3s_agent_token: z.string().min(1) });

/** @throws ClusterUnavailableError */
const readAgentToken = async ({ secrets }: JoinPorts, { cluster, server, secretArn }: ClusterServer) => {
  try {
    return ServerSecret.parse(JSON.parse(await secrets.read(secretArn))).k3s_agent_token;
  } catch (error) {
    // A parser's message quotes its input, which here holds keys and tokens.
    const unusable = error instanceof SyntaxError || error instanceof z.ZodError;
    if (!unusable && !(error instanceof ConfigurationError)) throw error;
    throw new ClusterUnavailableError({
      what: `cluster ${cluster} cannot be joined: its server ${server} has no join token`,
      got: unusable ? 'a secret without k3s_agent_token' : 'no secret',
      allowed: 'the secret that the identity function wrote for the server',
      remedy: `tear ${server} down and provision it again, then this worker`,
    });
  }
};

/** Where an agent reaches its server: k3s' nodes talk where their addresses are. */
const serverUrl = ({ settings }: JoinPorts, server: ClusterServer): string =>
  `https://${settings.cluster.nodeNetwork === 'mesh' ? server.meshIp : server.privateIp}:6443`;

/**
 * The join token names the cluster's CA, so that a node trusts its server from the first call, and holds the agent
 * token: with it a stolen worker cannot become a server.
 */
const joinToken = (server: ClusterServer, agentToken: string): string => `K10${server.caHash}::node:${agentToken}`;

/**
 * The k3s part of a worker's secret; nothing for a worker that joins no cluster.
 * @throws ClusterUnavailableError when the server's token is gone
 */
export const joinFields = async (
  ports: JoinPorts,
  worker: Pick<Worker, 'name' | 'role' | 'address'>,
  server: ClusterServer,
): Promise<JoinFields | undefined> => {
  if (worker.role === 'lighthouse') {
    const config = renderServerConfig(ports.settings, worker);
    return { k3s_token: drawToken(), k3s_agent_token: drawToken(), k3s_config: config };
  }
  if (server.caHash === '') return undefined;
  const url = serverUrl(ports, server);
  const token = joinToken(server, await readAgentToken(ports, server));
  return { k3s_token: token, k3s_url: url, k3s_config: renderAgentConfig(ports.settings, worker, url) };
};

const Tokens = z.looseObject({ k3s_token: z.string(), k3s_agent_token: z.string() });

/** A server keeps the tokens of an earlier try, whoever may have got hold of them by now. */
export const keepTokens = <T extends object>(fields: T, earlier: string): T => {
  if (!('k3s_agent_token' in fields)) return fields;
  try {
    const { k3s_token, k3s_agent_token } = Tokens.parse(JSON.parse(earlier));
    return { ...fields, k3s_token, k3s_agent_token };
  } catch {
    return fields;
  }
};
