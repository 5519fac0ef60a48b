import { type FleetSettings, nodeName, type WorkerRow } from '#contract';
import { formatAddress, parseNetwork } from './certificate/index.ts';

/** Stands for the node's private address, which nobody knows before the launch; the boot puts it in. */
export const PRIVATE_IP = '@PRIVATE_IP@';

const FOLDER = '/etc/rancher/k3s';
const GPU_TAINT = 'nvidia.com/gpu=present:NoSchedule';

type K3sSettings = Pick<FleetSettings, 'cluster' | 'network'>;
type Node = Pick<WorkerRow, 'name' | 'role' | 'address'>;
type Entries = Readonly<Record<string, unknown>>;

/** JSON is YAML: quotes and escapes are right whatever a setting holds. */
const render = (title: string, entries: Entries): string =>
  [`# ${title}`, ...Object.entries(entries).map(([key, value]) => `${key}: ${JSON.stringify(value)}`), ''].join('\n');

/** k3s' own default, made explicit: the tenth address of the services. */
const clusterDns = (serviceCidr: string): string => formatAddress((parseNetwork(serviceCidr)?.address ?? 0) + 10);

/** `node-external-ip` is never set: Liqo would tell peers of it. */
const ofNode = ({ cluster }: K3sSettings, { name, role, address }: Node): Entries => ({
  'node-name': nodeName(name),
  'node-ip': cluster.nodeNetwork === 'mesh' ? address : PRIVATE_IP,
  'node-label': [`carrierarr.io/worker=${name}`, `carrierarr.io/role=${role}`],
  'token-file': `${FOLDER}/token`,
});

/** `/etc/rancher/k3s/config.yaml` of a cluster's server: no CNI of its own, Cilium comes by a step. */
export const renderServerConfig = (settings: K3sSettings, node: Node): string => {
  const { cluster, network } = settings;
  const common = ofNode(settings, node);
  return render('Rendered by Carrierarr for a lighthouse; changes are lost at the next boot.', {
    ...common,
    'agent-token-file': `${FOLDER}/agent-token`,
    'advertise-address': common['node-ip'],
    'tls-san': [node.address, PRIVATE_IP],
    'flannel-backend': 'none',
    'disable-network-policy': true,
    ...(cluster.kubeProxyReplacement && { 'disable-kube-proxy': true }),
    ...(cluster.disable.length > 0 && { disable: cluster.disable }),
    'cluster-cidr': network.podCidr,
    'service-cidr': network.serviceCidr,
    'cluster-dns': clusterDns(network.serviceCidr),
    'write-kubeconfig-mode': '0600',
  });
};

/** The same of a node that joins. */
export const renderAgentConfig = (settings: K3sSettings, node: Node, url: string): string =>
  render('Rendered by Carrierarr for a gpu-worker; changes are lost at the next boot.', {
    ...ofNode(settings, node),
    server: url,
    ...(settings.cluster.gpuTaint && { 'node-taint': [GPU_TAINT] }),
  });
