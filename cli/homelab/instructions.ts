/** A new activation; the code is a credential until it has been used or has expired. */
export interface NewActivation {
  readonly activationId: string;
  readonly activationCode: string;
  readonly region: string;
}

/** Where homelab/ssm-node looks for it; the manifests' own test holds these names. */
export const SECRET = {
  namespace: 'carrierarr-ssm',
  name: 'ssm-activation',
  workload: 'statefulset/ssm-node',
} as const;

/**
 * One command for a cluster whose nodes have no shell, such as Talos. The secret is written on standard input, so that
 * the code stands in no argument list; the agent is restarted in case it waits, or holds an older registration.
 */
export const clusterCommand = ({ activationId, activationCode, region }: NewActivation): string =>
  [
    "kubectl apply -k homelab/ && kubectl apply -f - <<'END' && " +
      `kubectl -n ${SECRET.namespace} rollout restart ${SECRET.workload}`,
    'apiVersion: v1',
    'kind: Secret',
    `metadata: {name: ${SECRET.name}, namespace: ${SECRET.namespace}}`,
    'stringData:',
    `  id: "${activationId}"`,
    `  code: "${activationCode}"`,
    `  region: "${region}"`,
    'END',
  ].join('\n');

/** For a machine with a shell, kubectl and liqoctl; the agent is installed there. */
export const shellCommand = ({ activationId, activationCode, region }: NewActivation): string =>
  'sudo systemctl stop amazon-ssm-agent; ' +
  `sudo amazon-ssm-agent -register -y -code '${activationCode}' -id '${activationId}' -region '${region}' && ` +
  'sudo systemctl enable --now amazon-ssm-agent';
