/** Secrets that the control plane is given, as `homelab/control-plane.yaml` mounts them; its own test holds the names. */
export const CONTROL_PLANE_SECRETS = {
  namespace: 'carrierarr',
  agentKey: { name: 'control-plane-agent-key', key: 'keys' },
  commandToken: { name: 'control-plane-command-token', key: 'token' },
  aws: { name: 'control-plane-aws', certificate: 'tls.crt', key: 'tls.key' },
} as const;

/** What is known of them; whatever is undefined is left as it is in the cluster. */
export interface ControlPlaneSecrets {
  readonly agentKeys: string | undefined;
  readonly commandToken: string;
  readonly aws: { readonly certificate: string; readonly key: string } | undefined;
}

const secret = (name: string, stringData: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: CONTROL_PLANE_SECRETS.namespace },
  stringData,
});

/** One document for `kubectl apply -f -`: JSON, in which no text can break out of its value. */
export const secretsDocument = ({ agentKeys, commandToken, aws }: ControlPlaneSecrets): string => {
  const { agentKey, commandToken: token, aws: identity } = CONTROL_PLANE_SECRETS;
  const items = [
    ...(agentKeys === undefined ? [] : [secret(agentKey.name, { [agentKey.key]: agentKeys })]),
    secret(token.name, { [token.key]: commandToken }),
    ...(aws === undefined
      ? []
      : [secret(identity.name, { [identity.certificate]: aws.certificate, [identity.key]: aws.key })]),
  ];
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items })}\n`;
};
