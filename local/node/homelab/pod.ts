import { passToAws } from '../aws-door.ts';
import { credentialsOf } from '../credentials.ts';
import type { HomelabNodeSpec } from '../host.ts';
import type { CellNode, CellNodeOptions } from '../sandbox/cell-node.ts';
import { DOOR_NAME, HOMELAB, POD_NAMES } from './addresses.ts';
import { type Ground, startPlace } from './place.ts';
import { runScript } from './run-script.ts';

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

/** Where the mesh is played so is its door, on the pod's own loopback. */
const playDoor = `#!/bin/bash
setsid -f /.agent/stand-ins/cluster-bin/played-door >/run/played-door.log 2>&1 </dev/null
for ((look = 1; look <= 100; look++)); do
  if (exec 3<>/dev/tcp/127.0.0.1/${HOMELAB.proxyPort}) 2>/dev/null; then exit 0; fi
  sleep 0.05
done
cat /run/played-door.log >&2
exit 1
`;

/** The pod of the homelab's cluster in which the Systems Manager agent runs. */
export const startPod = async ({ spec, ground, connect }: PodOptions): Promise<CellNode> => {
  const played = ground.shared.wires !== undefined;
  const pod = await startPlace({
    place: 'homelab-pod',
    name: 'ssm-node-0',
    directory: spec.directory,
    identity: { instanceId: spec.instanceId, region: spec.region },
    ground: { ...ground, tun: false, nebula: undefined },
    hosts: { 'ssm-node-0': HOMELAB.pod, ...POD_NAMES, ...(played && { [DOOR_NAME]: '127.0.0.1' }) },
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
  if (played) await runScript(pod, 'mesh door', playDoor);
  return pod;
};
