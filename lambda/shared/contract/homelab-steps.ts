import { installLiqo, makePeeringUser, peer, unpeer, verifyPeering } from './liqo-steps.ts';
import { kind, type Step } from './step.ts';

/** Where things are in the homelab's cluster: settings of `homelab` in the configuration. */
const lighthouse = {
  LighthouseNamespace: kind.name('Namespace of the Nebula lighthouse', 'nebula'),
  LighthouseDeployment: kind.name('Deployment of the Nebula lighthouse', 'nebula-lighthouse'),
};

/**
 * What runs on the homelab's node (a hybrid activation), `ssm/<step>.sh` each. These documents have a Lambda and a role
 * of their own: SendCommand authorises document and target separately, so one role with both could send any of our
 * documents to any of our targets.
 */
export const HOMELAB_STEPS = {
  'homelab-preflight': {
    description: 'Read, and change nothing: Cilium values, namespace labels, lighthouse rules and trust, CIDRs, Liqo',
    timeoutSeconds: 120,
    remedy: 'do what the faults named above say in the homelab (docs/homelab.md); nothing has been changed or launched',
    parameters: {
      ...lighthouse,
      LighthouseConfigMap: kind.name("ConfigMap with the lighthouse's config.yml", 'nebula-config'),
      CaFingerprint: kind.fingerprint("Fingerprint of the fleet's CA, which the lighthouse must trust"),
      ClusterId: kind.name('Liqo id of the homelab'),
      LiqoVersion: kind.version('Liqo version'),
      AllowUpgrade: kind.flag('Whether another Liqo version may be upgraded', 'false'),
      Networking: kind.flag('Whether Liqo connects the networks', 'true'),
      Provides: kind.flag('Whether workers open the homelab API server (direction aws-consumes-homelab)', 'false'),
      PodCidr: kind.cidr("The homelab's pods, as configured"),
      ServiceCidr: kind.cidr("The homelab's services, as configured"),
      ForeignCidrs: kind.cidrs('Ranges of the VPC and the cluster on EC2, which nothing here may overlap'),
      MeshCidr: kind.cidr('The mesh'),
      WorkerIp: kind.ipv4('Mesh address of the worker: no Service here may have it'),
      ProxyUrl: kind.maybeUrl('The mesh door; empty: not needed', ''),
      LighthouseIp: kind.ipv4('Mesh address of the lighthouse, at which workers know this API server', '10.100.0.1'),
    },
  },
  'homelab-verify-mesh': {
    description: "The lighthouse's log tells of a handshake with the worker",
    timeoutSeconds: 90,
    remedy: 'read kubectl logs of the lighthouse; the worker reaches it, so another lighthouse may have answered',
    parameters: { ...lighthouse, NebulaIp: kind.ipv4('Mesh address of the worker') },
  },
  'homelab-install-liqo': installLiqo('generic'),
  'homelab-make-peering-user': makePeeringUser,
  'homelab-peer': peer,
  'homelab-verify-peering': verifyPeering,
  'homelab-verify-agent': {
    description: 'The control plane knows the worker and has heard from it lately',
    timeoutSeconds: 120,
    remedy: 'read kubectl logs of the control plane; agents reach it at 10.100.0.1:50051 through the mesh door',
    parameters: {
      ControlPlaneNamespace: kind.name('Namespace of the control plane', 'carrierarr'),
      ControlPlaneService: kind.name('Service and Deployment of the control plane', 'carrierarr-control-plane'),
      ControlPlanePort: kind.number('Its HTTP port', '8090'),
      NebulaIp: kind.ipv4('Mesh address of the worker'),
    },
  },
  'homelab-unpeer': unpeer,
  'homelab-forget-cluster': {
    description:
      'What is left here of a cluster that is gone: its tenant, its peering user, namespaces stuck on finalizers',
    timeoutSeconds: 240,
    remedy: 'run liqoctl force unpeer CLUSTER in the homelab; the verdict names what is left',
    parameters: { ClusterId: kind.name('Liqo id of the cluster that is gone') },
  },
  'homelab-connect-clustermesh': {
    description: 'Check the ClusterMesh preconditions on both sides and connect (cilium clustermesh connect)',
    timeoutSeconds: 1_200,
    remedy: 'read which precondition failed; ClusterMesh is off by default and Liqo does not need it',
    parameters: {
      ClusterName: kind.name('Cilium name of the cluster on EC2'),
      SecretId: kind.secret('Secret with the credential'),
      ProviderUrl: kind.maybeUrl('API server of the cluster on EC2'),
      ProxyUrl: kind.maybeUrl('Proxy on the way to it; empty for none', ''),
    },
  },
} as const satisfies Record<string, Step>;

export type HomelabStepName = keyof typeof HOMELAB_STEPS;
