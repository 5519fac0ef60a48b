import type { Chain } from 'aws-cdk-lib/aws-stepfunctions';
import { sequence } from './branch.ts';
import { verifyAgentHomelab } from './homelab.ts';
import { advance, found, LIFE, onWorker } from './life.ts';
import { type Kit, operation } from './operation.ts';
import { ciliumMtu, GPU_TAINT, pairs } from './parameters.ts';
import { pollUntil } from './poll.ts';
import { runStep } from './run-step.ts';

/** The cluster on EC2: a lighthouse opens it, a gpu-worker joins it. */

/** Before anything costs: there is a server that can be joined, or one that will be soon. */
export const awaitCluster = (kit: Kit): Chain => {
  const look = operation(kit, 'AwaitCluster', {
    capability: 'registry',
    operation: 'cluster',
    input: { name: LIFE.name, cluster: '{% $worker.cluster %}', since: '{% $sinceReserved %}' },
    assign: { server: '{% $states.result.Payload.server %}' },
  });
  return pollUntil(kit.scope, { stage: 'AwaitCluster', look, until: 'joinable', since: 'sinceReserved' });
};

export const installCilium = (kit: Kit): Chain => {
  const { cilium, cluster } = kit.config;
  const local = cilium.apiServer === 'local';
  return sequence(
    onWorker(kit, {
      stage: 'InstallCilium',
      step: 'install-cilium',
      keep: 'cilium',
      parameters: {
        Version: cilium.version,
        ClusterName: '{% $worker.cluster %}',
        ClusterId: String(cluster.id),
        IpamMode: cilium.ipamMode,
        KubeProxyReplacement: String(cilium.kubeProxyReplacement),
        // k3s' own load balancer of API servers, on every node; it needs no mesh.
        ApiServerHost: local ? '127.0.0.1' : '{% $worker.address %}',
        ApiServerPort: local ? '6444' : '6443',
        Hubble: String(cilium.hubble),
        HubbleRelay: String(cilium.hubbleRelay),
        ClusterMesh: String(cilium.clusterMesh),
        ClusterMeshPort: String(cilium.clusterMeshPort),
        Devices: cilium.devices,
        Mtu: ciliumMtu(kit.config),
        ExtraValues: pairs(cilium.values),
      },
    }),
    advance(kit, 'InstallCiliumRecord', 'CLUSTERED', { caHash: `{% ${found('cilium', 'caHash')} %}` }),
  );
};

/** A type without a GPU is not asked for one: a fleet may be tried out on small machines. */
const GPU = "{% $contains($instance.instanceType, /^(gr?|p)[0-9]/) ? 'required' : 'none' %}";

export const verifyGpu = (kit: Kit): Chain =>
  onWorker(kit, {
    stage: 'VerifyGpu',
    step: 'verify-gpu',
    parameters: { NebulaIp: '{% $worker.address %}', Gpu: GPU },
  });

/** Seen from the cluster's server. */
export const joinCluster = (kit: Kit): Chain =>
  sequence(
    runStep(kit, {
      stage: 'JoinCluster',
      step: 'join-cluster',
      life: LIFE,
      instanceId: '{% $server.instanceId %}',
      keep: 'joined',
      parameters: {
        NodeName: "{% 'carrierarr-' & $name %}",
        Labels: "{% 'carrierarr.io/worker=' & $name & ',carrierarr.io/role=' & $worker.role %}",
        Taint: kit.config.cluster.gpuTaint ? GPU_TAINT : '',
        Gpu: GPU,
      },
    }),
    advance(kit, 'JoinClusterRecord', 'CLUSTERED', {
      node: `{% ${found('joined', 'node')} %}`,
      gpu: `{% ${found('joined', 'gpu')} %}`,
    }),
  );

export const verifyAgent = (kit: Kit): Chain | undefined =>
  kit.config.agent.verify
    ? sequence(onWorker(kit, { stage: 'VerifyAgent', step: 'verify-agent', parameters: {} }), verifyAgentHomelab(kit))
    : undefined;
