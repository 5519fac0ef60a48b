/** The k3s members of a secret, as the identity function writes them. */

export const SERVER_TOKEN = 's3rver0token0s3rver0token0s3rver0token0s3rver0to';
export const AGENT_TOKEN = 'ag3nt0token0ag3nt0token0ag3nt0token0ag3nt0token0';
export const CA_HASH = '0123456789abcdef'.repeat(4);

const CONFIG = {
  'node-name': 'carrierarr-gpu-worker-001',
  'node-ip': '@PRIVATE_IP@',
  'token-file': '/etc/rancher/k3s/token',
};

const yaml = (config: Readonly<Record<string, unknown>>): string =>
  Object.entries(config)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');

export const serverMembers = (config: Readonly<Record<string, unknown>> = {}): Record<string, string> => ({
  k3s_token: SERVER_TOKEN,
  k3s_agent_token: AGENT_TOKEN,
  k3s_config: yaml({
    ...CONFIG,
    'advertise-address': '@PRIVATE_IP@',
    'tls-san': ['10.100.2.1', '@PRIVATE_IP@'],
    'agent-token-file': '/etc/rancher/k3s/agent-token',
    ...config,
  }),
});

export const agentMembers = (config: Readonly<Record<string, unknown>> = {}): Record<string, string> => ({
  k3s_token: `K10${CA_HASH}::node:${AGENT_TOKEN}`,
  k3s_url: 'https://172.31.0.10:6443',
  k3s_config: yaml({ ...CONFIG, server: 'https://172.31.0.10:6443', ...config }),
});
