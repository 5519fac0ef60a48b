import { type KubeClient, KubeError } from '../client/kube-client.ts';
import { dig, type KubeObject, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import { Exit } from '../program.ts';
import { type Context, LIQOCTL_VERSION, milliseconds } from './command.ts';
import { DEFINITIONS, FOREIGN_CLUSTERS, LIQO } from './kinds.ts';
import { until } from './printer.ts';
import { installed, type Release, releaseObjects } from './release.ts';

const LOCALHOST = ['localhost', '127.0.0.1', '0.0.0.0'];
const MONITORS = ['podmonitors.monitoring.coreos.com', 'servicemonitors.monitoring.coreos.com'];

/** Seconds in the knob `liqoctl.timeout` stand for the limit that was asked for. */
export const limitOf = ({ flags }: Context, preset: string): number => {
  const asked = milliseconds(flags.get('timeout') ?? preset);
  const told = readKnob('liqoctl.timeout');
  return told === undefined ? asked : Number(told) * 1000;
};

const isCidr = (text: string): boolean => /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/.test(text);

const settingsOf = ({ flags }: Context): Record<string, string> =>
  Object.fromEntries(
    flags
      .all('set')
      .flatMap((each) => each.split(','))
      .map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]),
  );

const pairs = (text: string | undefined): Record<string, string> =>
  Object.fromEntries(
    (text ?? '')
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=') as [string, string]),
  );

/** What is wrong with what was asked for, worded as the real one words it. */
const faultOf = (context: Context, release: Release, provider: string): string | undefined => {
  const { flags } = context;
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(release.clusterId)) {
    return 'the cluster name must be DNS-compatible (e.g., lowercase letters, numbers and hyphens)';
  }
  const ranges = [...release.podCidrs, release.serviceCidr, ...(flags.get('reserved-subnets') ?? '').split(',')];
  const bad = ranges.filter(Boolean).find((range) => !isCidr(range));
  if (bad !== undefined) return `invalid CIDR address: ${bad}`;
  const asked = flags.get('api-server-url');
  if (asked === undefined) return undefined;
  const own = new URL(context.local().config.server);
  const url = new URL(asked);
  if (provider === '' && !flags.on('disable-api-server-sanity-check') && url.host !== own.host) {
    return `the retrieved API server URL ("${asked}") does not match the kubeconfig one ("${own.origin}"). If correct, skip with --disable-api-server-sanity-check`;
  }
  return LOCALHOST.includes(url.hostname) ? 'cannot use localhost as API Server address' : undefined;
};

const releaseOf = ({ flags }: Context, provider: string): Release => ({
  version: flags.get('version') ?? LIQOCTL_VERSION,
  clusterId: flags.get('cluster-id') ?? 'quiet-forest',
  apiServer: flags.get('api-server-url') ?? '',
  podCidrs: flags.get('pod-cidr')?.split(',') ?? ['10.42.0.0/16'],
  serviceCidr: flags.get('service-cidr') ?? '10.43.0.0/16',
  networking: settingsOf({ flags } as Context)['networking.enabled'] !== 'false',
  labels: { ...pairs(flags.get('cluster-labels')), ...(provider === '' ? {} : { 'liqo.io/provider': provider }) },
});

const isUp = (object: KubeObject): boolean => {
  if (object.kind === 'Deployment') return dig(object, 'status', 'readyReplicas') === dig(object, 'spec', 'replicas');
  if (object.kind !== 'DaemonSet') return true;
  const wanted = dig(object, 'status', 'desiredNumberScheduled');
  return wanted !== undefined && wanted === dig(object, 'status', 'numberReady');
};

const remove = async (client: KubeClient, objects: readonly KubeObject[]): Promise<void> => {
  for (const { kind, metadata } of objects) {
    await client.delete({ resource: `${kind.toLowerCase()}s`, namespace: LIQO, name: metadata.name }).catch(() => {});
  }
};

const NEVER_CAME = `timed out waiting for the condition`;

/** `helm upgrade --install --atomic --wait`: what does not become ready in time is taken back. */
const helm = async (context: Context, release: Release): Promise<string | undefined> => {
  const client = context.local();
  if (context.flags.on('enable-metrics')) {
    const kinds = await client.list({ resource: 'customresourcedefinitions' });
    const missing = MONITORS.find((name) => !kinds.some(({ metadata }) => metadata.name === name));
    if (missing !== undefined) {
      const kind = missing.startsWith('pod') ? 'PodMonitor' : 'ServiceMonitor';
      return `unable to build kubernetes objects from release manifest: resource mapping not found for name: "liqo-controller-manager" namespace: "liqo" from "": no matches for kind "${kind}" in version "monitoring.coreos.com/v1"\nensure CRDs are installed first`;
    }
  }
  const before = await installed(client);
  const namespace = await client.find({ resource: 'namespaces', name: LIQO });
  // CreateNamespace adds no labels.
  if (namespace === undefined) await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: LIQO } });
  for (const definition of DEFINITIONS) await client.apply(definition);
  const objects = releaseObjects(release);
  for (const object of objects) await client.apply(object);
  const areUp = async (): Promise<boolean> => {
    for (const { kind, metadata } of objects) {
      const found = await client.find({ resource: `${kind.toLowerCase()}s`, namespace: LIQO, name: metadata.name });
      if (found === undefined || !isUp(found)) return false;
    }
    return true;
  };
  if (await until(areUp, limitOf(context, '10m'))) return undefined;
  if (before === undefined) await remove(client, objects);
  else for (const object of releaseObjects({ ...release, version: before.version })) await client.apply(object);
  const done = before === undefined ? 'uninstalled due to atomic being set' : 'rolled back due to atomic being set';
  return `release liqo failed, and has been ${done}: ${NEVER_CAME}`;
};

const HINTS = [
  'Likely causes for the installation/upgrade timeout could include:',
  '* One or more pods failed to start (e.g., they are in the ImagePullBackOff status)',
  '* A service of type LoadBalancer has been configured, but no provider is available',
  'You can add the --verbose flag for debug information concerning the failing resources',
  'Additionally, if necessary, you can increase the timeout value with the --timeout flag',
];

export const install =
  (provider: '' | 'k3s') =>
  async (context: Context): Promise<number> => {
    const { printer } = context;
    const release = releaseOf(context, provider);
    printer.info('Installer initialized');
    const fault = faultOf(context, release, provider);
    if (fault !== undefined) printer.fail(`Error retrieving configuration: ${fault}`);
    printer.info('Cluster configuration correctly retrieved');
    printer.info('Installation parameters correctly generated');
    printer.spin('Installing or upgrading Liqo... (this may take a few minutes)');
    const failure = await helm(context, release);
    if (failure === undefined) {
      printer.info('All Set! You can now proceed establishing a peering (liqoctl peer --help for more information)');
      printer.info('Make sure to use the same version of Liqo on all remote clusters');
      return 0;
    }
    printer.error(`Error installing or upgrading Liqo: ${failure}`);
    if (failure.includes(NEVER_CAME)) for (const hint of HINTS) printer.info(hint);
    throw new Exit(1);
  };

export const uninstall = async (context: Context): Promise<number> => {
  const { printer, flags } = context;
  const client = context.local();
  const known = await client.list({ resource: FOREIGN_CLUSTERS }).catch((error: unknown) => {
    if (error instanceof KubeError) return [];
    throw error;
  });
  if (known.length > 0) printer.fail('Error uninstalling Liqo: there are still active peerings: unpeer first');
  const release = releaseOf(context, '');
  await remove(client, [...releaseObjects(release)].reverse());
  await client.delete({ resource: 'daemonsets', namespace: LIQO, name: 'liqo-fabric' }).catch(() => {});
  if (flags.on('purge')) {
    for (const { metadata } of DEFINITIONS) {
      await client.delete({ resource: 'customresourcedefinitions', name: metadata.name }).catch(() => {});
    }
    await client.delete({ resource: 'namespaces', name: LIQO }).catch(() => {});
  }
  printer.info('Liqo correctly uninstalled');
  return 0;
};

/** The cluster's id, or the end of the program with the words of the real one. */
export const clusterIdOf = async (client: KubeClient, context: Context, scope: string): Promise<string> => {
  const map = await client
    .find({ resource: 'configmaps', namespace: LIQO, name: 'liqo-clusterid-configmap' })
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const path = `${client.config.server}/api/v1/namespaces/liqo/configmaps`;
      return context.printer.scoped(scope).fail(`an error occurred while retrieving cluster id: Get "${path}": ${why}`);
    });
  const id = textAt(map, 'data', 'CLUSTER_ID');
  if (id === '') {
    context.printer.scoped(scope).fail('an error occurred while retrieving cluster id: no ClusterID ConfigMap found');
  }
  return id;
};
