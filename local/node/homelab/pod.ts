import { passToAws } from '../aws-door.ts';
import { credentialsOf } from '../credentials.ts';
import type { HomelabNodeSpec } from '../host.ts';
import type { CellNode, CellNodeOptions } from '../sandbox/cell-node.ts';
import { HOMELAB, POD_NAMES } from './addresses.ts';
import { type Ground, startPlace } from './place.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** As the agent writes it for the programs beside it, and renews it. */
const credentialsFile = (instanceId: string): string => {
  const { accessKeyId, secretAccessKey, sessionToken } = credentialsOf(instanceId);
  return [
    '[default]',
    `aws_access_key_id     = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
    `aws_session_token     = ${sessionToken}`,
    '',
  ].join('\n');
};

const filesOf = ({ instanceId, region }: HomelabNodeSpec) => [
  { path: '/root/.aws/credentials', text: credentialsFile(instanceId), mode: 0o600 },
  {
    path: '/var/lib/amazon/ssm/registration',
    text: JSON.stringify({ ManagedInstanceID: instanceId, Region: region }),
    mode: 0o600,
  },
  { path: `${SERVICE_ACCOUNT}/token`, text: 'ssm-node', mode: 0o644 },
  { path: `${SERVICE_ACCOUNT}/ca.crt`, text: '', mode: 0o644 },
  { path: `${SERVICE_ACCOUNT}/namespace`, text: 'carrierarr-ssm', mode: 0o644 },
];

/** AWS is reached as from anywhere else; there is no metadata service outside EC2. */
const answerFor =
  ({ awsEndpoint }: HomelabNodeSpec): CellNodeOptions['answer'] =>
  async ({ door, method, path, headers, body }) => {
    if (door === 'imds') return { status: 404, headers: [], body: '' };
    const answer = await passToAws(awsEndpoint, { method, path, headers, body: Buffer.from(body, 'base64') });
    return { ...answer, body: answer.body.toString('base64') };
  };

export interface PodOptions {
  readonly spec: HomelabNodeSpec;
  readonly ground: Ground;
  readonly connect: CellNodeOptions['connect'];
}

/** The pod of the homelab's cluster in which the Systems Manager agent runs. */
export const startPod = ({ spec, ground, connect }: PodOptions): Promise<CellNode> =>
  startPlace({
    place: 'homelab-pod',
    name: 'ssm-node-0',
    directory: spec.directory,
    identity: { instanceId: spec.instanceId, region: spec.region },
    ground: { ...ground, tun: false, nebula: undefined },
    hosts: { 'ssm-node-0': HOMELAB.pod, ...POD_NAMES },
    environment: {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_REGION: spec.region,
      KUBERNETES_SERVICE_HOST: HOMELAB.api,
      KUBERNETES_SERVICE_PORT: String(HOMELAB.apiPort),
    },
    files: filesOf(spec),
    answer: answerFor(spec),
    connect,
  });
