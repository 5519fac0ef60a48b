/** What the internet has for an image, as small as can be: programs that tell their version and record their calls. */
import { readFileSync } from 'node:fs';
import type { BakeSandbox } from './bake-sandbox.ts';

const DIGEST = 'a'.repeat(64);

/** Images that the published chart of Cilium runs. */
export const CILIUM_IMAGES = [
  `quay.io/cilium/cilium@sha256:${DIGEST}`,
  `quay.io/cilium/operator-generic@sha256:${DIGEST}`,
];

/** A program that records its calls and says its version. */
const telling = (name: string, says: string): string =>
  `#!/bin/bash\necho "${name} $*" >>"$SANDBOX/calls"\necho '${says}'\n`;

/** An address with the version in it, as the scripts write it. */
const github = (repository: string, tag: string, file: string): string =>
  `https://github.com/${repository}/releases/download/${tag.replace('+', '%2B')}/${file}`;

export const publishNebula = (sandbox: BakeSandbox, version = sandbox.version('NEBULA_VERSION')): string => {
  const url = github('slackhq/nebula', `v${version}`, 'nebula-linux-amd64.tar.gz');
  const programs = { nebula: telling('nebula', `Version: ${version}`), 'nebula-cert': telling('nebula-cert', '') };
  sandbox.pin('NEBULA', version, sandbox.publishArchive(url, programs));
  return url;
};

/** k3s and its images. The program unpacks a containerd, which runs until it is told to end, and plays `k3s ctr`. */
export const publishK3s = (sandbox: BakeSandbox, version = sandbox.version('K3S_VERSION')): void => {
  const program = readFileSync('test/ami/support/programs/k3s', 'utf8').replaceAll('VERSION', version);
  sandbox.pin('K3S', version, sandbox.publish(github('k3s-io/k3s', version, 'k3s'), program));
  const images = github('k3s-io/k3s', version, 'k3s-airgap-images-amd64.tar.zst');
  sandbox.pin('K3S_IMAGES', version, sandbox.publishArchive(images, { 'manifest.json': '[]' }));
};

/** helm, cilium, liqoctl and the charts. */
export const publishTools = (sandbox: BakeSandbox): void => {
  const [helm, cilium, liqo, chart] = ['HELM', 'CILIUM_CLI', 'LIQO', 'CILIUM'].map((name) =>
    sandbox.version(`${name}_VERSION`),
  ) as [string, string, string, string];
  const manifest = CILIUM_IMAGES.map((image) => `      - image: "${image.replace('@', ':v1.0@')}"`).join('\n');
  const helmProgram = `#!/bin/bash\necho "helm $*" >>"$SANDBOX/calls"\nif [[ $1 == template ]]; then echo '${manifest}'; else echo '${helm}+g1'; fi\n`;
  sandbox.pin(
    'HELM',
    helm,
    sandbox.publishArchive(`https://get.helm.sh/helm-${helm}-linux-amd64.tar.gz`, { 'linux-amd64/helm': helmProgram }),
  );
  const cli = github('cilium/cilium-cli', cilium, 'cilium-linux-amd64.tar.gz');
  sandbox.pin(
    'CILIUM_CLI',
    cilium,
    sandbox.publishArchive(cli, { cilium: telling('cilium', `cilium-cli: ${cilium}`) }),
  );
  const liqoctl = github('liqotech/liqo', `v${liqo}`, 'liqoctl-linux-amd64.tar.gz');
  sandbox.pin(
    'LIQOCTL',
    liqo,
    sandbox.publishArchive(liqoctl, { liqoctl: telling('liqoctl', `Client version: v${liqo}`) }),
  );
  const charts = {
    CILIUM_CHART: [chart, `https://helm.cilium.io/cilium-${chart}.tgz`, 'cilium'],
    LIQO_CHART: [liqo, github('liqotech/liqo', `v${liqo}`, `liqo-v${liqo}.tgz`), 'liqo'],
  } as const;
  for (const [product, [version, url, name]] of Object.entries(charts)) {
    sandbox.pin(product, version, sandbox.publishArchive(url, { [`${name}/Chart.yaml`]: `version: ${version}\n` }));
  }
};

/** A worker agent where it would have been built: the head of a program for linux/amd64. */
export const buildWorkerAgent = (sandbox: BakeSandbox, machine = '3e00'): void => {
  const head = Buffer.from(`7f454c46020101000000000000000000${'0200'}${machine}`, 'hex');
  sandbox.write('opt/carrierarr/bake/worker-agent/worker-agent', head, 0o755);
};
