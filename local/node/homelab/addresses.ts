/** Addresses in the homelab, the same for every cloud: nothing of it is seen from outside. */
export const HOMELAB = {
  /** Of the lighthouse, on its own node. */
  mesh: '10.100.0.1',
  /** Of that node towards the pods on it. */
  host: '10.244.0.1',
  /** Of the pod in which the Systems Manager agent runs. */
  pod: '10.244.0.10',
  podCidr: '10.244.0.0/16',
  /** The API server's Service. */
  api: '10.96.0.1',
  apiPort: 443,
  proxyPort: 3128,
  /** The control plane's ports: for people, and for agents behind the mesh door. */
  controlPlanePort: 8090,
  agentsPort: 50051,
  forwardedAgentsPort: 15051,
  /** What the control plane keeps, its key for agents' tokens, and its page's socket, all on the host's own disk. */
  controlPlaneFolder: '/var/lib/carrierarr-control-plane',
} as const;

export const DOOR_NAME = 'mesh-door.carrierarr-mesh.svc';

/** Names that a pod in the homelab resolves. */
export const POD_NAMES: Readonly<Record<string, string>> = {
  [DOOR_NAME]: HOMELAB.host,
  'kubernetes.default.svc': HOMELAB.api,
};
