import { type Chain, Parallel, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { OperationInput } from '#contract';
import type { Config } from '../config.ts';
import { sequence } from './branch.ts';
import { API_SERVER, advance, found, LIFE, onHomelab, onWorker } from './life.ts';
import { EXECUTION, type Kit, operation } from './operation.ts';
import { consumesAws, homelabApiServer, pairs, providesHomelab, reservedSubnets } from './parameters.ts';

/** What joins a lighthouse's cluster with the homelab's. */

type Purpose = OperationInput<'identity', 'openHandover'>['purpose'];

export const installLiqo = (kit: Kit): Parallel => {
  const { config } = kit;
  const { cluster, homelab, liqo } = config;
  const common = {
    Version: liqo.version,
    Networking: String(liqo.networking),
    AllowUpgrade: String(liqo.allowUpgrade),
  };
  const aws = onWorker(kit, {
    stage: 'InstallLiqoAws',
    step: 'install-liqo',
    parameters: {
      ...common,
      ClusterId: '{% $worker.cluster %}',
      ApiServerUrl: API_SERVER,
      PodCidr: cluster.podCidr,
      ServiceCidr: cluster.serviceCidr,
      ReservedSubnets: reservedSubnets(config, cluster),
    },
  });
  const home = onHomelab(kit, {
    stage: 'InstallLiqoHomelab',
    step: 'homelab-install-liqo',
    parameters: {
      ...common,
      ClusterId: homelab.clusterName,
      ApiServerUrl: providesHomelab(config) ? homelabApiServer(config) : '',
      PodCidr: homelab.podCidr,
      ServiceCidr: homelab.serviceCidr,
      ReservedSubnets: reservedSubnets(config, homelab),
    },
  });
  // A branch must not end in the choice of its poll.
  const done = (id: string): Pass => Pass.jsonata(kit.scope, id);
  return Parallel.jsonata(kit.scope, 'InstallLiqo').branch(
    aws.next(done('InstallLiqoAwsInstalled')),
    home.next(done('InstallLiqoHomelabInstalled')),
  );
};

/** Both sides' credentials never cross a state: one node writes the secret, the other reads it. */
const openHandover = (kit: Kit, id: string, purpose: Purpose): LambdaInvoke => {
  const [worker, homelab] = ['{% $instance.instanceArn %}', '{% $homelab.instanceArn %}'];
  const ends = purpose === 'homelab' ? { writer: homelab, reader: worker } : { writer: worker, reader: homelab };
  return operation(kit, id, {
    capability: 'identity',
    operation: 'openHandover',
    input: { ...LIFE, execution: EXECUTION, purpose, ...ends },
    assign: { handover: '{% $states.result.Payload.secretId %}' },
  });
};

const closeHandover = (kit: Kit, id: string): LambdaInvoke =>
  operation(kit, id, { capability: 'identity', operation: 'closeHandover', input: LIFE });

const HANDOVER = '{% $handover %}';

/** What both directions ask of `peer`; the gateway's server is always on EC2, which has a public address. */
const peerParameters = ({ liqo }: Config) => ({
  SecretId: HANDOVER,
  GatewayPort: String(liqo.gatewayPort),
  GatewayAddress: liqo.gatewayPath === 'public' ? '{% $instance.publicIp %}' : '{% $worker.address %}',
  Mtu: String(liqo.mtu),
  Cpu: liqo.resources.cpu,
  Memory: liqo.resources.memory,
  Pods: liqo.resources.pods,
  Networking: String(liqo.networking),
  InBand: String(liqo.inBand),
  Namespaces: liqo.namespaces.join(),
});

/** The homelab runs pods on EC2. */
const peerHomelab = (kit: Kit): Chain => {
  const { homelab, liqo } = kit.config;
  const provider = { ProviderClusterId: '{% $worker.cluster %}', ProviderUrl: API_SERVER, ProxyUrl: homelab.door };
  const resources = pairs(liqo.resources.extra);
  return sequence(
    openHandover(kit, 'PeerClustersOpen', 'aws'),
    onWorker(kit, {
      stage: 'PeerClustersUser',
      step: 'make-peering-user',
      parameters: { ConsumerClusterId: homelab.clusterName, SecretId: HANDOVER },
    }),
    onHomelab(kit, {
      stage: 'PeerClusters',
      step: 'homelab-peer',
      parameters: { ...peerParameters(kit.config), ...provider, GatewayLocation: 'Provider', Resources: resources },
    }),
    closeHandover(kit, 'PeerClustersClose'),
    onHomelab(kit, {
      stage: 'VerifyPeering',
      step: 'homelab-verify-peering',
      keep: 'peering',
      parameters: {
        ...provider,
        Mtu: String(liqo.mtu),
        Networking: String(liqo.networking),
        Resources: resources,
      },
    }),
    advance(kit, 'VerifyPeeringRecord', 'PEERED', {
      virtualNode: `{% ${found('peering', 'virtualNode')} %}`,
      capacity: `{% ${found('peering', 'capacity')} %}`,
    }),
  );
};

/** EC2 runs pods in the homelab: what the seed's commands meant. */
const peerAws = (kit: Kit): Chain => {
  const { config } = kit;
  const { homelab, liqo } = config;
  const provider = { ProviderClusterId: homelab.clusterName, ProviderUrl: homelabApiServer(config) };
  return sequence(
    openHandover(kit, 'PeerClustersAwsOpen', 'homelab'),
    onHomelab(kit, {
      stage: 'PeerClustersAwsUser',
      step: 'homelab-make-peering-user',
      parameters: { ConsumerClusterId: '{% $worker.cluster %}', SecretId: HANDOVER },
    }),
    onWorker(kit, {
      stage: 'PeerClustersAws',
      step: 'peer',
      parameters: { ...peerParameters(config), ...provider, GatewayLocation: 'Consumer' },
    }),
    closeHandover(kit, 'PeerClustersAwsClose'),
    onWorker(kit, {
      stage: 'VerifyPeeringAws',
      step: 'verify-peering',
      keep: 'peeringAws',
      parameters: { ...provider, Mtu: String(liqo.mtu), Networking: String(liqo.networking), Resources: '' },
    }),
    advance(kit, 'VerifyPeeringAwsRecord', 'PEERED', {
      homelabVirtualNode: `{% ${found('peeringAws', 'virtualNode')} %}`,
      homelabCapacity: `{% ${found('peeringAws', 'capacity')} %}`,
    }),
  );
};

/** Liqo on both sides, then each direction that is configured, proven by traffic. */
export const peerClusters = (kit: Kit): Chain | undefined => {
  const { config } = kit;
  if (!config.liqo.enabled) return undefined;
  return sequence(
    installLiqo(kit),
    consumesAws(config) ? peerHomelab(kit) : undefined,
    providesHomelab(config) ? peerAws(kit) : undefined,
  );
};

/** Cilium's own way of connecting clusters, beside Liqo or instead of it. */
export const connectClusterMesh = (kit: Kit): Chain | undefined => {
  const { cilium, homelab } = kit.config;
  if (!cilium.clusterMesh) return undefined;
  return sequence(
    openHandover(kit, 'ConnectClusterMeshOpen', 'clustermesh'),
    onWorker(kit, {
      stage: 'ConnectClusterMeshOffer',
      step: 'offer-clustermesh',
      parameters: { SecretId: HANDOVER, ServerUrl: API_SERVER },
    }),
    onHomelab(kit, {
      stage: 'ConnectClusterMesh',
      step: 'homelab-connect-clustermesh',
      parameters: {
        ClusterName: '{% $worker.cluster %}',
        SecretId: HANDOVER,
        ProviderUrl: API_SERVER,
        ProxyUrl: homelab.door,
      },
    }),
    closeHandover(kit, 'ConnectClusterMeshClose'),
  );
};
