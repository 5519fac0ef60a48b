import * as z from 'zod';
import { ClusterName, STEPS } from '#contract';
import { certificateAuthority, cidr, nodePort, objectName, pageUrl, proxyUrl, quantity, version } from './fields.ts';

/** The cluster on EC2, the homelab's, and what joins them. Each default and its reason: `defaults.ts`. */
export const Cluster = z.strictObject({
  name: ClusterName.describe(
    'Name of the k3s cluster on EC2, also its Cilium and Liqo name; a request may name another',
  ),
  id: z.int().min(1).max(255).describe('Cilium cluster id'),
  podCidr: cidr.describe('Its pods'),
  serviceCidr: cidr.describe('Its services'),
  gpuTaint: z
    .boolean()
    .describe("Whether GPU nodes are tainted `nvidia.com/gpu=present:NoSchedule`; also keeps Liqo's gateway off them"),
});

export const Homelab = z.strictObject({
  clusterName: ClusterName.describe('Name of the homelab cluster, also its Liqo name'),
  podCidr: cidr.describe('Its pods'),
  serviceCidr: cidr.describe('Its services'),
  lanCidr: cidr.describe('The LAN of its nodes; Liqo keeps out of it'),
  door: proxyUrl.describe(
    'The mesh door, as pods of the homelab reach it; empty where they reach the mesh by themselves',
  ),
  lighthouse: z.strictObject({
    namespace: objectName.describe('Namespace of the Nebula lighthouse'),
    deployment: objectName.describe('Its Deployment, whose log tells of handshakes'),
    configMap: objectName.describe("ConfigMap with the lighthouse's `config.yml`"),
  }),
  controlPlane: z.strictObject({
    namespace: objectName.describe('Namespace of the control plane'),
    service: objectName.describe('Its Service and Deployment'),
    port: z.int().min(1).max(65_535).describe('Its HTTP port, which is asked whether an agent has registered'),
    url: pageUrl
      .optional()
      .describe(
        'Where its page is for people, such as `http://fleet.home.example.org`; `carrierarr status` asks there. Absent: nobody is asked',
      ),
    trustAnchor: certificateAuthority
      .optional()
      .describe(
        'PEM of the CA that certifies it for IAM Roles Anywhere (`carrierarr homelab certificate` makes one). Absent: it cannot tell AWS of idle and dead workers',
      ),
  }),
});

export const K3s = z.strictObject({
  version: version.describe('k3s version'),
  nodeNetwork: z
    .enum(['vpc', 'mesh'])
    .describe('Whose address a Kubernetes node has; `mesh` wants `cilium.kubeProxyReplacement: false` beside it'),
  disable: z.array(objectName).describe('Components of k3s that are left out'),
});

/** As the parameter `ExtraValues` of the step takes them. */
const helmValues = z.record(
  z.string().regex(/^([A-Za-z0-9_./-]|\[[0-9]+\])+$/, { error: 'a Helm path such as bpf.masquerade' }),
  z.string().regex(/^[A-Za-z0-9_.:/+-]*$/, { error: 'letters, digits and _ . : / + -' }),
);

export const Cilium = z.strictObject({
  version: version.describe('Cilium version'),
  ipamMode: z.enum(['kubernetes', 'cluster-pool']).describe('`ipam.mode`'),
  kubeProxyReplacement: z
    .boolean()
    .describe("`kubeProxyReplacement`; k3s' own kube-proxy runs exactly when it is false"),
  apiServer: z
    .enum(['local', 'mesh'])
    .describe(
      "`k8sServiceHost` and `k8sServicePort`: `local` is 127.0.0.1:6444, `mesh` the worker's mesh address:6443",
    ),
  hubble: z.boolean().describe('`hubble.enabled`'),
  hubbleRelay: z.boolean().describe('`hubble.relay.enabled`'),
  clusterMesh: z
    .boolean()
    .describe('Whether the clusters are connected by ClusterMesh (`clustermesh.useAPIServer`); Liqo does not need it'),
  clusterMeshPort: nodePort.describe('NodePort of the ClusterMesh API server'),
  devices: z
    .string()
    .regex(/^[a-z0-9]{0,14}$/, { error: 'the beginning of a device name such as en, or nothing' })
    .describe('Devices that Cilium takes: those whose names begin so; empty leaves it to Cilium'),
  mtu: z.union([z.literal(0), z.int().min(1280).max(9001)]).describe('`MTU`; 0: Cilium’s own, 1300 on mesh addresses'),
  values: helmValues.describe('Further Helm values, by path'),
});

/** Draining comes out of the time of its step, which has more to do. */
const DRAIN_MAXIMUM_SECONDS = STEPS['leave-cluster'].timeoutSeconds - 60;

export const Liqo = z.strictObject({
  enabled: z.boolean().describe("Whether a lighthouse's cluster is peered with the homelab's"),
  version: version.describe('Liqo version, of both sides'),
  direction: z
    .enum(['homelab-consumes-aws', 'aws-consumes-homelab', 'both'])
    .describe("Who runs pods on whom; the seed's commands meant `aws-consumes-homelab`"),
  networking: z
    .boolean()
    .describe('Whether Liqo connects the networks; false is offloading only, and asks less of the homelab'),
  inBand: z.boolean().describe('Whether API traffic of the peering goes through its tunnel'),
  allowUpgrade: z.boolean().describe('Whether another version in place may be upgraded'),
  gatewayPort: nodePort.describe("NodePort of Liqo's WireGuard gateway"),
  gatewayPath: z
    .enum(['public', 'mesh'])
    .describe("Which way Liqo's tunnel takes; `mesh` wants `cilium.kubeProxyReplacement: false` and a UDP forwarder"),
  gatewayCidrs: z.array(cidr).describe('Ranges that may reach the gateway; WireGuard does not answer strangers'),
  mtu: z.int().min(1000).max(1420).describe('MTU of the tunnel'),
  resources: z.strictObject({
    cpu: quantity.describe('CPUs that the consumer asks for'),
    memory: quantity.describe('Memory that the consumer asks for'),
    pods: quantity.describe('Pods that the consumer asks for'),
    extra: z
      .record(z.string().regex(/^[A-Za-z0-9_./-]+$/, { error: 'a resource such as nvidia.com/gpu' }), quantity)
      .describe('Further resources that the homelab asks for'),
  }),
  namespaces: z.array(objectName).describe('Namespaces to offload; made where missing'),
  drainSeconds: z.int().min(0).max(DRAIN_MAXIMUM_SECONDS).describe('Seconds pods are given to leave at a teardown'),
});

export const Agent = z.strictObject({
  verify: z.boolean().describe('Whether a worker is ready only once its agent runs and the control plane knows it'),
  tokens: z
    .boolean()
    .describe('Whether each worker gets a token that its agent shows the control plane (one secret, $0.40 a month)'),
  idleMinutes: z
    .number()
    .min(0)
    .max(10_080)
    .describe('Minutes without work after which a gpu-worker is torn down; 0: never'),
  idleWarningMinutes: z
    .number()
    .positive()
    .max(1440)
    .describe('How many minutes before that an event, and a mail where there is an address for alarms, warns of it'),
});
