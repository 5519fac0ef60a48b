import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from '../client/exchange.ts';
import { KubeClient } from '../client/kube-client.ts';
import { straightTo, writeKubeconfig } from '../client/kubeconfig.ts';
import { DialError } from '../dial.ts';
import { nodeUser } from '../server/node-rights.ts';
import { Kubelet } from './kubelet.ts';
import type { Running } from './server.ts';
import { fatal, type Settings } from './settings.ts';
import { basicAuth, caHashOf, readToken, type Token } from './token.ts';

/** How long an agent waits before it tries again to join; the real one five seconds. */
const RETRY_MS = 500;

const log = (level: string, message: string): void => {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  process.stderr.write(`time="${time}" level=${level} msg=${JSON.stringify(message)}\n`);
};

/** A refusal that trying again will not change, unlike a server that is not there yet. */
const joinFault = async (server: string, token: Token): Promise<string | undefined> => {
  const { hostname: host, port } = new URL(server);
  const ask = (path: string, headers: Record<string, string> = {}) =>
    exchange({ method: 'GET', host, port: Number(port || '6443'), path, headers, timeoutMs: 5000 });
  const { text: pem } = await ask('/cacerts');
  const hash = caHashOf(pem);
  if (token.caHash !== undefined && token.caHash !== hash) {
    throw fatal(`token CA hash does not match the Cluster CA certificate hash: ${token.caHash} != ${hash}`);
  }
  const { status } = await ask('/v1-k3s/config', { authorization: basicAuth(token.user ?? 'node', token.password) });
  return status === 200 ? undefined : `${server}/v1-k3s/config: ${status} Unauthorized`;
};

const awaitAdmission = async (server: string, token: Token): Promise<void> => {
  for (;;) {
    try {
      const fault = await joinFault(server, token);
      if (fault === undefined) return;
      log('error', `Failed to retrieve agent configuration: ${fault}`);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      log('error', `failed to get CA certs: Get "${server}/cacerts": ${error.message}`);
    }
    await sleep(RETRY_MS);
  }
};

/** What the kubelet calls the API with: whoever reads it is the node, and may do what a node may. */
const writeKubeletConfig = (settings: Settings, server: string): void => {
  const file = join(settings.dataDir, 'agent/kubelet.kubeconfig');
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeKubeconfig(file, {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'local', cluster: { server } }],
    users: [{ name: 'user', user: { token: nodeUser(settings.nodeName) } }],
    contexts: [{ name: 'Default', context: { cluster: 'local', namespace: 'default', user: 'user' } }],
    'current-context': 'Default',
  });
};

/** `k3s agent`: joins when it can, and tries until then. */
export const startAgent = async (settings: Settings): Promise<Running> => {
  const server = settings.get('server');
  if (server === '') throw fatal('--server is required');
  const secret = settings.secret('token');
  if (secret === '') throw fatal('--token is required');
  const token = readToken(secret);
  log('info', `Starting k3s agent ${settings.nodeName}, joining ${server}`);
  await awaitAdmission(server, token);
  writeKubeletConfig(settings, server);
  const client = new KubeClient(straightTo(server, token.password));
  const kubelet = new Kubelet(client, settings);
  await kubelet.start();
  log('info', 'Successfully registered node');
  return { stop: () => kubelet.stop() };
};
