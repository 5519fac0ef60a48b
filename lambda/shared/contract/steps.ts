import { installLiqo, makePeeringUser, peer, unpeer, verifyPeering } from './liqo-steps.ts';
import { choice, kind, type Step } from './step.ts';

/** What runs on a worker, `ssm/<step>.sh` each. Steps of the homelab stand in `homelab-steps.ts`. */
export const STEPS = {
  'await-boot': {
    description: 'Wait for the verdict of the boot: boot.done or boot.failed',
    // A node that installs itself takes minutes; how long it is really given comes as LimitSeconds.
    timeoutSeconds: 1220,
    remedy: 'read the reason; carrierarr logs NAME shows what the boot did',
    parameters: { LimitSeconds: kind.number('Seconds to wait before the boot counts as failed', '180') },
  },
  'verify-nebula': {
    description: 'The mesh device carries the address and the lighthouse answers through it',
    timeoutSeconds: 120,
    remedy: "check with carrierarr doctor that the lighthouse is up and trusts the fleet's CA",
    parameters: {
      NebulaIp: kind.ipv4('Mesh address of the worker'),
      LighthouseIp: kind.ipv4('Mesh address of the lighthouse'),
    },
  },
  'node-status': {
    description: 'Report boot marks, services, mesh address and certificate dates; changes nothing',
    timeoutSeconds: 60,
    remedy: 'look whether the instance still runs',
    parameters: {},
  },
  'renew-certificate': {
    description: 'Fetch the renewed certificate from the secret, swap it atomically and make Nebula reload it',
    timeoutSeconds: 120,
    remedy: 'the old certificate is still in use; read the reason and renew again with carrierarr cert renew',
    parameters: {
      Fingerprint: kind.fingerprint('SHA-256 fingerprint of the certificate that must be in use afterwards'),
    },
  },
  'install-cilium': {
    description: 'Wait for the k3s API, install or upgrade Cilium, wait for the node to be Ready',
    timeoutSeconds: 900,
    remedy:
      'read which pods are not ready and why; too little memory and no way to the image registry are the usual causes',
    parameters: {
      Version: kind.version('Cilium version'),
      ClusterName: kind.name('cluster.name'),
      ClusterId: kind.number('cluster.id'),
      IpamMode: choice(['kubernetes', 'cluster-pool'], 'ipam.mode', 'kubernetes'),
      KubeProxyReplacement: kind.flag('kubeProxyReplacement', 'true'),
      ApiServerHost: kind.host('k8sServiceHost', '127.0.0.1'),
      ApiServerPort: kind.number('k8sServicePort', '6444'),
      Hubble: kind.flag('hubble.enabled', 'true'),
      HubbleRelay: kind.flag('hubble.relay.enabled', 'true'),
      ClusterMesh: kind.flag('clustermesh.useAPIServer', 'false'),
      ClusterMeshPort: kind.number('NodePort of the ClusterMesh API server', '32379'),
      Devices: {
        ...kind.secret('Device pattern without its trailing plus sign; empty leaves it to Cilium', 'en'),
        allowedPattern: '^[a-z0-9]{0,14}$',
      },
      Mtu: kind.number('MTU; 0 leaves it to Cilium', '0'),
      ExtraValues: kind.pairs('Further Helm values, key=value, comma-separated', ''),
      ReadySeconds: kind.number('Seconds until the node must be Ready', '300'),
    },
  },
  'install-liqo': installLiqo('k3s'),
  'make-peering-user': makePeeringUser,
  'delete-peering-user': {
    description: 'Take back the credential by which a consumer peered',
    timeoutSeconds: 90,
    remedy: 'none needed: the credential dies with the cluster',
    parameters: { ConsumerClusterId: kind.name('Liqo id of the consumer') },
  },
  peer,
  unpeer,
  'verify-peering': verifyPeering,
  'verify-gpu': {
    description: 'k3s-agent runs, the NVIDIA runtime is known to it, Ollama answers on the mesh address only',
    timeoutSeconds: 240,
    remedy: 'read which check failed; an image without driver for this instance type is the usual cause',
    parameters: {
      NebulaIp: kind.ipv4('Mesh address of the worker'),
      Gpu: choice(['required', 'none'], 'Whether a GPU must be there', 'required'),
    },
  },
  'join-cluster': {
    description:
      'On the server: the node is Ready, labelled and tainted, its GPU allocatable, its pods reach pods here',
    timeoutSeconds: 420,
    remedy: 'read carrierarr logs of the worker for k3s-agent; security group and join token are the usual causes',
    parameters: {
      NodeName: kind.name('Name of the Kubernetes node'),
      Labels: kind.pairs('Labels the node must carry', ''),
      Taint: {
        ...kind.pairs('Taint the node must carry, key=value:effect; empty for none', ''),
        allowedPattern: '^([A-Za-z0-9_./-]+=[A-Za-z0-9_.-]*:(NoSchedule|NoExecute|PreferNoSchedule))?$',
      },
      Gpu: choice(['required', 'none'], 'Whether nvidia.com/gpu must be allocatable', 'required'),
      ReadySeconds: kind.number('Seconds until the node must be Ready', '300'),
    },
  },
  'leave-cluster': {
    description: 'On the server: drain a node and delete it from the cluster',
    timeoutSeconds: 180,
    remedy: 'none needed: the node object goes with the cluster, or delete it with kubectl delete node',
    parameters: {
      NodeName: kind.name('Name of the Kubernetes node'),
      DrainSeconds: kind.number('Seconds pods are given to leave', '60'),
    },
  },
  'verify-agent': {
    description: 'worker-agent is active',
    timeoutSeconds: 60,
    remedy: 'read journalctl --unit worker-agent on the worker; carrierarr logs NAME shows its last lines',
    parameters: {},
  },
  'enter-service': {
    description: 'Take the worker into service: its dead-man switch is disarmed for good; report the boot marks',
    timeoutSeconds: 120,
    remedy: 'none by hand: a worker whose switch stays armed would power itself off; provision again',
    parameters: {},
  },
  'offer-clustermesh': {
    description: 'Check the ClusterMesh preconditions here and leave the credential by which the homelab connects',
    timeoutSeconds: 240,
    remedy: 'read which precondition failed; ClusterMesh is off by default and Liqo does not need it',
    parameters: {
      SecretId: kind.secret('Secret the credential goes into'),
      ServerUrl: kind.maybeUrl('API server as the homelab reaches it'),
    },
  },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof STEPS;
