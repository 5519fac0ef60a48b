import type { Command } from './command.ts';
import { info, infoPeer, version } from './info.ts';
import { install, uninstall } from './install.ts';
import { offloadNamespace, unoffloadNamespace } from './offload.ts';
import { peer } from './peer.ts';
import { deletePeeringUser, generatePeeringUser } from './peering-user.ts';
import { forceUnpeer, unpeer } from './unpeer.ts';

const INSTALL = {
  switches: [
    'disable-api-server-sanity-check',
    'disable-kernel-version-check',
    'disable-telemetry',
    'dry-run',
    'enable-metrics',
    'only-output-values',
    'skip-validation',
  ],
  values: [
    'api-server-url',
    'cluster-id',
    'cluster-labels',
    'dump-values-path',
    'local-chart-path',
    'namespace',
    'pod-cidr',
    'repo-url',
    'reserved-subnets',
    'service-cidr',
    'set',
    'set-string',
    'timeout',
    'values',
    'version',
  ],
  short: { n: 'namespace' },
} as const;

const INFO = { values: ['namespace', 'output', 'get'], short: { n: 'namespace', o: 'output', g: 'get' } } as const;
const USER = { required: ['consumer-cluster-id'] } as const;

/** Every command that anything here uses, with the flags that liqoctl 1.2.0 has for it. */
export const COMMANDS: readonly Command[] = [
  { ...INSTALL, path: 'install', required: ['pod-cidr', 'service-cidr'], run: install('') },
  { ...INSTALL, path: 'install k3s', run: install('k3s') },
  { path: 'uninstall', switches: ['purge'], values: ['timeout', 'namespace'], asks: 'uninstall', run: uninstall },
  {
    ...USER,
    path: 'generate peering-user',
    values: ['consumer-cluster-id', 'tls-compatibility-mode'],
    run: generatePeeringUser,
  },
  { ...USER, path: 'delete peering-user', values: ['consumer-cluster-id'], run: deletePeeringUser },
  {
    path: 'peer',
    twoClusters: true,
    switches: ['networking-disabled', 'in-band', 'create-resource-slice', 'create-virtual-node', 'skip-validation'],
    values: [
      'timeout',
      'namespace',
      'remote-namespace',
      'gw-server-service-location',
      'gw-server-service-type',
      'gw-server-service-port',
      'gw-server-service-nodeport',
      'gw-server-service-loadbalancerip',
      'gw-client-address',
      'gw-client-port',
      'mtu',
      'resource-slice-class',
      'proxy-url',
      'cpu',
      'memory',
      'pods',
      'resource',
    ],
    short: { n: 'namespace' },
    run: peer,
  },
  {
    path: 'unpeer',
    twoClusters: true,
    switches: ['wait', 'delete-namespaces'],
    values: ['timeout', 'namespace', 'remote-namespace'],
    short: { n: 'namespace' },
    run: unpeer,
  },
  {
    path: 'force unpeer',
    names: 'one',
    asks: 'force unpeer might leave the remote cluster in an inconsistent state and it',
    run: forceUnpeer,
  },
  {
    path: 'offload namespace',
    names: 'any',
    values: [
      'pod-offloading-strategy',
      'namespace-mapping-strategy',
      'timeout',
      'remote-namespace-name',
      'selector',
      'ns-selector',
      'output',
    ],
    short: { l: 'selector', o: 'output' },
    run: offloadNamespace,
  },
  {
    path: 'unoffload namespace',
    names: 'any',
    values: ['ns-selector', 'timeout'],
    asks: 'unoffload',
    run: unoffloadNamespace,
  },
  { ...INFO, path: 'info', run: info },
  { ...INFO, path: 'info peer', names: 'any', run: infoPeer },
  { path: 'version', switches: ['client'], values: ['namespace'], run: version },
];
