import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { certificateToPem, fingerprintOf } from '../../../lambda/identity/certificate/index.ts';
import { authority } from '../identity-builders.ts';
import type { NodeSandbox } from '../node-sandbox.ts';
import { parseVerdict, type StepOutcome } from '../run-step.ts';

/** What the canned kubectl knows. Keys of `objects`: `kind[/namespace][/name]`. */
export interface World {
  readonly objects?: Readonly<Record<string, unknown>>;
  /** Keys of objects, or `verb resource` of rights, that are refused. */
  readonly denied?: readonly string[];
  readonly raw?: Readonly<Record<string, string>>;
  readonly logs?: string;
  /** Names in the API server's certificate. */
  readonly sans?: readonly string[];
  readonly down?: boolean;
  readonly colour?: boolean;
}

export const CA_FINGERPRINT = fingerprintOf(authority.certificate);
export const CA_PEM = certificateToPem(authority.certificate);

/** The lighthouse's configuration once docs/homelab.md has been followed. */
export const lighthouseConfig = (overrides: Readonly<Record<string, unknown>> = {}): string =>
  stringify({
    pki: { ca: '/config/certs/ca.crt', cert: '/config/certs/lighthouse.crt', key: '/config/certs/lighthouse.key' },
    lighthouse: { am_lighthouse: true, local_allow_list: { interfaces: { 'cilium.*': false } } },
    firewall: {
      outbound: [{ port: 'any', proto: 'any', host: 'any' }],
      inbound: [
        { port: 'any', proto: 'icmp', host: 'any' },
        { port: 'any', proto: 'any', groups: ['lighthouse'] },
        { port: 50_051, proto: 'tcp', group: 'workers' },
      ],
    },
    ...overrides,
  });

const deployment = (name: string, spec: unknown = {}) => ({
  metadata: { name },
  spec: { template: { spec } },
  status: { availableReplicas: 1 },
});

/** A homelab in which nothing is wrong. */
export const soundObjects = (): Record<string, unknown> => ({
  'daemonset/kube-system/cilium': {
    spec: {
      template: {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'liqo.io/type', operator: 'DoesNotExist' }] }],
              },
            },
          },
        },
      },
    },
  },
  'configmap/kube-system/cilium-config': {
    data: {
      devices: 'en+',
      ipam: 'kubernetes',
      'kube-proxy-replacement': 'true',
      'enable-bpf-masquerade': 'true',
      'enable-host-legacy-routing': 'true',
      mtu: '1250',
    },
  },
  'configmap/nebula/nebula-config': { data: { 'config.yaml': lighthouseConfig() } },
  'deployment/nebula/nebula-lighthouse': deployment('nebula-lighthouse', {
    containers: [
      {
        volumeMounts: [
          { name: 'config', mountPath: '/config/config.yaml', subPath: 'config.yaml' },
          { name: 'certs', mountPath: '/config/certs' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: 'nebula-config' } },
      { name: 'certs', configMap: { name: 'nebula-ca' } },
    ],
  }),
  'configmap/nebula/nebula-ca': { data: { 'ca.crt': CA_PEM } },
  nodes: {
    items: [
      {
        metadata: { name: 'talos00', labels: {} },
        spec: { podCIDRs: ['10.244.0.0/24'] },
        status: { addresses: [{ type: 'InternalIP', address: '192.168.1.54' }] },
      },
      { metadata: { name: 'liqo-aws-k3s', labels: { 'liqo.io/type': 'virtual-node' } }, spec: {}, status: {} },
    ],
  },
  services: {
    items: [
      { metadata: { namespace: 'default', name: 'kubernetes' }, spec: { clusterIP: '10.96.0.1' } },
      { metadata: { namespace: 'monitoring', name: 'headless' }, spec: { clusterIP: 'None' } },
    ],
  },
  'namespace/carrierarr-mesh': { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } },
  'deployment/carrierarr-mesh/mesh-door': deployment('mesh-door'),
});

export const PREFLIGHT = {
  LighthouseNamespace: 'nebula',
  LighthouseDeployment: 'nebula-lighthouse',
  LighthouseConfigMap: 'nebula-config',
  LighthouseIp: '10.100.0.1',
  CaFingerprint: CA_FINGERPRINT,
  ClusterId: 'catalyst-homelab',
  LiqoVersion: 'v1.2.0',
  AllowUpgrade: 'false',
  Networking: 'true',
  Provides: 'false',
  PodCidr: '10.244.0.0/16',
  ServiceCidr: '10.96.0.0/12',
  ForeignCidrs: '10.80.0.0/16,10.42.0.0/16,10.43.0.0/16',
  MeshCidr: '10.100.0.0/16',
  WorkerIp: '10.100.2.1',
  ProxyUrl: 'http://mesh-door.carrierarr-mesh.svc:3128',
};

/** Shell that makes the files the canned kubectl reads. */
const worldFiles = ({ objects = {}, denied = [], raw = {}, logs, sans = [], down, colour }: World): string => {
  const file = (path: string, text: string) => `cat >'${path}' <<'END OF FILE'\n${text}\nEND OF FILE\n`;
  const folder = (name: string, files: Readonly<Record<string, unknown>>) =>
    Object.entries(files).map(([key, value]) =>
      file(`${name}/${key.replaceAll('/', ',')}`, typeof value === 'string' ? value : JSON.stringify(value, null, 2)),
    );
  return [
    'rm -rf /run/world; mkdir -p /run/world/objects /run/world/raw; cd /run/world\n',
    ...folder('objects', objects),
    ...folder('raw', { '/readyz': 'ok', '/livez': 'ok', ...raw }),
    file('denied', denied.join('\n')).replace("'\n\n", "'\n"),
    file('sans', sans.join('\n')),
    logs === undefined ? '' : file('logs', logs),
    down === true ? ': >down\n' : '',
    colour === true ? ': >colour\n' : '',
  ].join('');
};

/** Puts the world onto the node: kubectl over it, which says of the door what the test wants. */
export const setWorld = async (sandbox: NodeSandbox, world: World, doorAnswer = 'Forbidden'): Promise<void> => {
  const program = (name: string, text: string) =>
    `cat >/run/stubs/${name} <<'END OF FILE'\n#!/bin/bash\n${text}\nEND OF FILE\nchmod 0755 /run/stubs/${name}\n`;
  const parser = resolve('test/ssm/checks/parse-yaml.mjs');
  const settings = `NODE='${process.execPath}' PARSE_YAML='${parser}'`;
  await sandbox.shell(
    [
      worldFiles(world),
      program('kubectl', `${settings} exec bash '${resolve('test/ssm/checks/canned-kubectl.sh')}' "$@"`),
      `printf '%s' 'Get "https://10.100.2.1:22/livez": ${doorAnswer}' >door\n`,
      'mkdir -p /etc/carrierarr; printf "kind: Config\\n" >/etc/carrierarr/kubeconfig\n',
    ].join(''),
  );
};

/** Runs a script with the parameters the agent would set. */
export const runLook = async (
  sandbox: NodeSandbox,
  step: string,
  parameters: Readonly<Record<string, string>>,
): Promise<StepOutcome> => {
  const all = { ExecutionId: 'worker-a-mhx0000a', Worker: 'worker-a', ...parameters };
  const env = Object.fromEntries(Object.entries(all).map(([name, value]) => [`SSM_${name}`, value]));
  return parseVerdict(await sandbox.run(['bash', resolve(`ssm/${step}.sh`)], { env }));
};
