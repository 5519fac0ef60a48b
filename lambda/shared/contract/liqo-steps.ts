import { choice, kind, type Step } from './step.ts';

/** Steps that exist on both sides of a peering: which side is provider and which consumer is a setting. */

export const installLiqo = (provider: 'k3s' | 'generic') =>
  ({
    description: `Install Liqo (liqoctl install, provider ${provider}); nothing to do where this version runs already`,
    // liqoctl's own limit is ten minutes, after which Helm rolls everything back.
    timeoutSeconds: 780,
    remedy: 'read which pods are not ready and why; another version in place needs liqo.allowUpgrade',
    parameters: {
      Version: kind.version('Liqo version'),
      ClusterId: kind.name('Liqo id of this cluster'),
      ApiServerUrl: kind.maybeUrl('API server as the other side reaches it; empty leaves it out', ''),
      PodCidr: kind.cidr('Pods of this cluster'),
      ServiceCidr: kind.cidr('Services of this cluster'),
      ReservedSubnets: kind.cidrs('Ranges Liqo must not remap into; those inside pods or services are left out', ''),
      Networking: kind.flag('Whether Liqo connects the networks', 'true'),
      AllowUpgrade: kind.flag('Whether another version in place may be upgraded', 'false'),
    },
  }) satisfies Step;

/** On the provider. The credential goes straight into the secret: never through a state, a log or an output. */
export const makePeeringUser = {
  description: 'Make the credential by which the consumer peers, and put it into the secret made for it',
  timeoutSeconds: 150,
  remedy: 'read the reason; the secret must be bound to this node',
  parameters: {
    ConsumerClusterId: kind.name('Liqo id of the consumer'),
    SecretId: kind.secret('Secret the credential goes into'),
  },
} satisfies Step;

/** On the consumer. */
export const peer = {
  description: 'Peer with the provider and judge the peering by what Liqo says of itself',
  timeoutSeconds: 840,
  remedy: 'read which condition is not met; the mesh door, UDP port and MTU are the usual causes (docs/homelab.md)',
  parameters: {
    ProviderClusterId: kind.name('Liqo id of the provider'),
    SecretId: kind.secret('Secret with the credential'),
    ProviderUrl: kind.maybeUrl("The provider's API server"),
    ProxyUrl: kind.maybeUrl("Proxy on the way to the provider's API server; empty for none", ''),
    GatewayPort: kind.number('NodePort of the gateway', '32380'),
    GatewayAddress: kind.maybeIpv4(
      'Address at which the gateway client reaches the server; empty leaves it to Liqo',
      '',
    ),
    GatewayLocation: choice(['Provider', 'Consumer'], 'Which side has the gateway server', 'Provider'),
    Mtu: kind.number('MTU of the tunnel', '1140'),
    Cpu: kind.quantity('CPUs asked for', '4'),
    Memory: kind.quantity('Memory asked for', '8Gi'),
    Pods: kind.quantity('Pods asked for', '110'),
    Resources: kind.pairs('Further resources asked for, such as nvidia.com/gpu=1', ''),
    Networking: kind.flag('Whether Liqo connects the networks', 'true'),
    InBand: kind.flag('Whether API traffic goes through the tunnel', 'false'),
    Namespaces: kind.names('Namespaces to offload; created where missing', ''),
  },
} satisfies Step;

/** On the consumer. Every part has its own limit, and what fails is named in the verdict. */
export const unpeer = {
  description: 'Unoffload, drain the virtual node, unpeer; by force where the provider does not answer',
  timeoutSeconds: 420,
  remedy: 'run liqoctl force unpeer CLUSTER in the homelab; the verdict names what is left',
  parameters: {
    ProviderClusterId: kind.name('Liqo id of the provider'),
    /** Empty: the provider is gone, so by force. */
    SecretId: {
      ...kind.secret('Secret with the credential; empty: the provider is gone', ''),
      allowedPattern: '^([A-Za-z0-9_][A-Za-z0-9_./-]{0,255})?$',
    },
    ProviderUrl: kind.maybeUrl("The provider's API server", ''),
    ProxyUrl: kind.maybeUrl("Proxy on the way to the provider's API server; empty for none", ''),
    DrainSeconds: kind.number('Seconds offloaded pods are given to leave', '60'),
  },
} satisfies Step;

/** On the consumer. */
export const verifyPeering = {
  description: 'An offloaded Job carries 1 MiB both ways and says so in its termination message',
  timeoutSeconds: 300,
  remedy:
    'read which check failed: a stall at full size means the MTU, no packet at all means UDP port or Cilium values',
  parameters: {
    ProviderClusterId: kind.name('Liqo id of the provider'),
    ProviderUrl: kind.maybeUrl("The provider's API server"),
    ProxyUrl: kind.maybeUrl("Proxy on the way to the provider's API server; empty for none", ''),
    Mtu: kind.number('MTU of the tunnel', '1140'),
    Networking: kind.flag('Whether Liqo connects the networks', 'true'),
    Resources: kind.pairs('Resources the virtual node must have, such as nvidia.com/gpu=1', ''),
    Image: {
      ...kind.secret('Image of the probes', 'docker.io/library/busybox:1.37'),
      allowedPattern: '^[a-z0-9][a-z0-9./:@_-]{0,250}$',
    },
  },
} satisfies Step;
