/** What an image downloads: where it lies, and where its publisher keeps its checksum, if anywhere. */
export type Product = {
  /** Variable of versions.env that chooses the version. */
  readonly chosenBy: string;
  /** The address, the same as in the image scripts. */
  readonly url: (version: string) => string;
  /** A file of lines `checksum name`, or of a checksum alone. */
  readonly sums?: (version: string) => string;
  /** An index of Helm charts, and the chart's name there. */
  readonly index?: { readonly url: string; readonly chart: string };
};

const github = (repository: string, tag: string, file: string): string =>
  `https://github.com/${repository}/releases/download/${tag.replace('+', '%2B')}/${file}`;
const k3s = (file: string): Product => ({
  chosenBy: 'K3S_VERSION',
  url: (version) => github('k3s-io/k3s', version, file),
  sums: (version) => github('k3s-io/k3s', version, 'sha256sum-amd64.txt'),
});
const ssmAgent = (file: string): Product => ({
  chosenBy: 'SSM_AGENT_VERSION',
  url: (version) => `https://s3.us-east-1.amazonaws.com/amazon-ssm-us-east-1/${version}/${file}`,
});
const helm = (version: string): string => `https://get.helm.sh/helm-${version}-linux-amd64.tar.gz`;
const cilium = (version: string): string => github('cilium/cilium-cli', version, 'cilium-linux-amd64.tar.gz');
const kubectl = (version: string): string => `https://dl.k8s.io/release/${version}/bin/linux/amd64/kubectl`;

export const PRODUCTS: Readonly<Record<string, Product>> = {
  NEBULA: {
    chosenBy: 'NEBULA_VERSION',
    url: (version) => github('slackhq/nebula', `v${version}`, 'nebula-linux-amd64.tar.gz'),
    sums: (version) => github('slackhq/nebula', `v${version}`, 'SHASUM256.txt'),
  },
  SSM_AGENT_RPM: ssmAgent('linux_amd64/amazon-ssm-agent.rpm'),
  SSM_AGENT_DEB: ssmAgent('debian_amd64/amazon-ssm-agent.deb'),
  K3S: k3s('k3s'),
  K3S_IMAGES: k3s('k3s-airgap-images-amd64.tar.zst'),
  HELM: { chosenBy: 'HELM_VERSION', url: helm, sums: (version) => `${helm(version)}.sha256sum` },
  CILIUM_CLI: { chosenBy: 'CILIUM_CLI_VERSION', url: cilium, sums: (version) => `${cilium(version)}.sha256sum` },
  CILIUM_CHART: {
    chosenBy: 'CILIUM_VERSION',
    url: (version) => `https://helm.cilium.io/cilium-${version}.tgz`,
    index: { url: 'https://helm.cilium.io/index.yaml', chart: 'cilium' },
  },
  LIQOCTL: {
    chosenBy: 'LIQO_VERSION',
    url: (version) => github('liqotech/liqo', `v${version}`, 'liqoctl-linux-amd64.tar.gz'),
  },
  LIQO_CHART: {
    chosenBy: 'LIQO_VERSION',
    url: (version) => github('liqotech/liqo', `v${version}`, `liqo-v${version}.tgz`),
    index: { url: 'https://helm.liqo.io/index.yaml', chart: 'liqo' },
  },
  KUBECTL: { chosenBy: 'KUBECTL_VERSION', url: kubectl, sums: (version) => `${kubectl(version)}.sha256` },
  NVIDIA_DRIVER: {
    chosenBy: 'NVIDIA_DRIVER_550',
    url: (version) =>
      `https://us.download.nvidia.com/XFree86/Linux-x86_64/${version}/NVIDIA-Linux-x86_64-${version}.run`,
  },
};
