import type { KubeClient } from '../client/kube-client.ts';
import { dig, isDict, type KubeObject, listAt, textAt } from '../object.ts';
import { printJson } from '../program.ts';
import { type Context, LIQOCTL_VERSION } from './command.ts';
import { refresh } from './foreign-cluster.ts';
import { FOREIGN_CLUSTERS, tenantNamespaceOf } from './kinds.ts';
import { type Installed, installed, unhealthyPods } from './release.ts';

const MET = ['Established', 'Ready'];

const moduleStatus = (foreign: KubeObject, module: string): string => {
  if (dig(foreign, 'status', 'modules', module, 'enabled') !== true) return 'Disabled';
  const conditions = listAt(foreign, 'status', 'modules', module, 'conditions');
  return conditions.every((condition) => MET.includes(textAt(condition, 'status'))) ? 'Healthy' : 'Unhealthy';
};

const alertsOf = (foreign: KubeObject, module: string): { alerts?: string[] } => {
  if (moduleStatus(foreign, module) !== 'Unhealthy') return {};
  const unmet = listAt(foreign, 'status', 'modules', module, 'conditions').filter(
    (condition) => !MET.includes(textAt(condition, 'status')),
  );
  return { alerts: unmet.map((condition) => textAt(condition, 'message')) };
};

const requireLiqo = async (context: Context): Promise<Installed> => {
  const release = await installed(context.local());
  if (release === undefined)
    context.printer.fail('Liqo is not installed in the cluster: namespace "liqo" has no release');
  return release;
};

/** Keys in lower case lead through the answer, as `--get` has it. */
const field = (value: unknown, query: string): unknown =>
  query.split('.').reduce<unknown>((current, key) => {
    if (!isDict(current)) return undefined;
    const found = Object.keys(current).find((each) => each.toLowerCase() === key.toLowerCase());
    return found === undefined ? undefined : current[found];
  }, value);

const boxes = (value: object): string =>
  Object.entries(value)
    .map(([title, content]) => `┌─ ${title} ${'─'.repeat(60)}┐\n${JSON.stringify(content)}\n└${'─'.repeat(64)}┘`)
    .join('\n');

const print = (context: Context, value: object): number => {
  const { flags, printer } = context;
  const query = flags.get('get');
  if (query !== undefined) {
    const found = field(value, query);
    if (found === undefined) printer.fail(`invalid query: field "${query}" not found`);
    process.stdout.write(`${isDict(found) || Array.isArray(found) ? JSON.stringify(found) : String(found)}\n`);
    return 0;
  }
  // JSON is YAML as well.
  if (flags.has('output')) printJson(value);
  else process.stdout.write(`${boxes(value)}\n`);
  return 0;
};

/** How Liqo is, and whom it peers with. The exit code says nothing of it. */
export const info = async (context: Context): Promise<number> => {
  const client = context.local();
  const release = await requireLiqo(context);
  for (const { metadata } of await client.list({ resource: FOREIGN_CLUSTERS })) await refresh(client, metadata.name);
  const foreign = await client.list({ resource: FOREIGN_CLUSTERS });
  const pods = await unhealthyPods(client);
  const isHealthy = Object.keys(pods).length === 0;
  const { podCidrs, serviceCidr } = release;
  const ranges = {
    podCIDRs: podCidrs,
    serviceCIDR: serviceCidr,
    externalCIDR: '10.70.0.0/16',
    internalCIDR: '10.80.0.0/16',
  };
  const isVerbose = context.flags.on('verbose') || context.flags.has('get');
  return print(context, {
    local: {
      clusterID: release.clusterId,
      version: release.version,
      labels: {},
      APIServerAddr: release.apiServer || client.config.server,
    },
    health: { healthy: isHealthy, ...(isHealthy ? {} : { unhealthyPods: pods }) },
    ...(isVerbose ? { network: ranges } : {}),
    peerings: {
      peers: foreign.map((each) => ({
        clusterID: each.metadata.name,
        role: textAt(each, 'status', 'role'),
        networkingStatus: moduleStatus(each, 'networking'),
        authenticationStatus: moduleStatus(each, 'authentication'),
        offloadingStatus: moduleStatus(each, 'offloading'),
      })),
    },
  });
};

const peerOf = async (client: KubeClient, foreign: KubeObject): Promise<object> => {
  const id = foreign.metadata.name;
  const namespace = tenantNamespaceOf(id);
  const slices = await client.list({ resource: 'resourceslices.authentication.liqo.io', namespace });
  const nodes = await client.list({ resource: 'virtualnodes.offloading.liqo.io', namespace });
  const [gateway] = await client.list({ resource: 'gatewayclients.networking.liqo.io', namespace });
  const endpoint = dig(gateway, 'spec', 'endpoint');
  return {
    info: { clusterID: id, role: textAt(foreign, 'status', 'role') },
    network: {
      status: moduleStatus(foreign, 'networking'),
      ...alertsOf(foreign, 'networking'),
      CIDRs: { remote: {} },
      gateway: {
        address: listAt(endpoint, 'addresses'),
        port: Number(textAt(endpoint, 'port') || '0'),
        role: gateway === undefined ? 'Server' : 'Client',
      },
    },
    authentication: {
      status: moduleStatus(foreign, 'authentication'),
      ...alertsOf(foreign, 'authentication'),
      APIServerAddr: '',
      resourceSlices: slices.map((slice) => ({
        name: slice.metadata.name,
        action: slice.metadata.labels?.['liqo.io/replicated'] === 'true' ? 'Providing' : 'Consuming',
        accepted: textAt(slice, 'status', 'conditions', 0, 'status') === 'Accepted',
        resources: dig(slice, 'status', 'resources') ?? {},
      })),
    },
    offloading: {
      status: moduleStatus(foreign, 'offloading'),
      ...alertsOf(foreign, 'offloading'),
      virtualNodes: nodes.map((node) => ({
        name: node.metadata.name,
        status: 'Healthy',
        secret: textAt(node, 'spec', 'kubeconfigSecretRef', 'name'),
        resourceSlice: id,
        resources: dig(node, 'spec', 'resourceQuota', 'hard') ?? {},
      })),
    },
  };
};

/** More of some peers, or of all, keyed by their ids. */
export const infoPeer = async (context: Context): Promise<number> => {
  const { flags, printer } = context;
  const client = context.local();
  await requireLiqo(context);
  const known = await client.list({ resource: FOREIGN_CLUSTERS });
  const asked = flags.positional.length > 0 ? flags.positional : known.map(({ metadata }) => metadata.name);
  const peers: Record<string, object> = {};
  for (const id of asked) {
    if (!known.some(({ metadata }) => metadata.name === id)) printer.fail(`ForeignCluster with ID "${id}" not found`);
    await refresh(client, id);
    const foreign = await client.find({ resource: FOREIGN_CLUSTERS, name: id });
    if (foreign !== undefined) peers[id] = await peerOf(client, foreign);
  }
  return print(context, peers);
};

export const version = async (context: Context): Promise<number> => {
  process.stdout.write(`Client version: ${LIQOCTL_VERSION}\n`);
  if (context.flags.on('client')) return 0;
  const release = await installed(context.local());
  if (release === undefined) {
    process.stdout.write('Server version: Unknown\n');
    context.printer.fail(
      'Failed to retrieve Liqo server version: deployments.apps "liqo-controller-manager" not found',
    );
  }
  process.stdout.write(`Server version: ${release.version}\n`);
  return 0;
};
