import { durationOf } from '../kubectl/session.ts';
import { type Dict, dictAt, listAt, mergePatch, textAt, textsAt } from '../object.ts';
import { Exit, printJson } from '../program.ts';
import { changeValues } from './install.ts';
import { CiliumSession, NAMESPACE, until } from './session.ts';

const REMOTES = { resource: 'secrets', name: 'cilium-clustermesh', namespace: NAMESPACE };

const fail = (doing: string, why: string): Exit => new Exit(1, `\nError: Unable to ${doing}: ${why}`);

/** `cilium clustermesh enable`: on k3s the type of the Service cannot be found out, so it has to be said. */
export const enable = async (session: CiliumSession): Promise<void> => {
  const type = session.flags.get('service-type');
  if (type === undefined) {
    throw fail('enable ClusterMesh', 'cannot auto-detect service type, please specify using the --service-type option');
  }
  const apiserver = { service: { type } };
  await changeValues(
    session,
    (values) => mergePatch(values, { clustermesh: { useAPIServer: true, apiserver } }) as Dict,
  );
};

/** `cilium clustermesh disable`. */
export const disable = async (session: CiliumSession): Promise<void> => {
  await changeValues(session, (values) => mergePatch(values, { clustermesh: { useAPIServer: false } }) as Dict);
};

interface Side {
  readonly session: CiliumSession;
  readonly name: string;
  readonly id: string;
  readonly ca: string;
  readonly address: string;
  readonly port: string;
}

const sideOf = async (session: CiliumSession, endpoint: string | undefined): Promise<Side> => {
  const { client } = session;
  const config = textsAt(
    await client.find({ resource: 'configmaps', name: 'cilium-config', namespace: NAMESPACE }),
    'data',
  );
  const service = await client.find({ resource: 'services', name: 'clustermesh-apiserver', namespace: NAMESPACE });
  if (service === undefined) {
    throw fail(
      'connect cluster',
      'unable to get clustermesh service "clustermesh-apiserver": services "clustermesh-apiserver" not found',
    );
  }
  const ca = await client.find({ resource: 'secrets', name: 'cilium-ca', namespace: NAMESPACE });
  const [node] = await client.list({ resource: 'nodes' });
  const [host = '', port = ''] = (endpoint ?? '').split(':');
  return {
    session,
    name: config['cluster-name'] ?? 'default',
    id: config['cluster-id'] ?? '0',
    ca: textAt(ca, 'data', 'ca.crt'),
    address: host || textAt(listAt(node, 'status', 'addresses')[0], 'address'),
    port: port || textAt(service, 'spec', 'ports', 0, 'nodePort'),
  };
};

const remember = async (side: Side, remote: Side): Promise<void> => {
  const cluster = { name: remote.name, ips: [remote.address], port: Number(remote.port) };
  await changeValues(side.session, (values) => {
    const others = listAt(values, 'clustermesh', 'config', 'clusters').filter(
      (entry) => textAt(entry, 'name') !== remote.name,
    );
    return mergePatch(values, { clustermesh: { config: { enabled: true, clusters: [...others, cluster] } } }) as Dict;
  });
};

/** `cilium clustermesh connect`: needs both contexts and upgrades the release in both clusters. */
export const connect = async (session: CiliumSession): Promise<void> => {
  const { flags } = session;
  const context = flags.get('destination-context');
  if (context === undefined)
    throw fail('connect cluster', 'no destination context specified, use --destination-context');
  const local = await sideOf(session, flags.get('source-endpoint'));
  const remote = await sideOf(new CiliumSession(flags, context), flags.get('destination-endpoint'));
  if (local.id === remote.id)
    throw fail('connect cluster', `remote and local cluster have the same, non-unique ID: ${local.id}`);
  if (local.name === remote.name)
    throw fail('connect cluster', `remote and local cluster have the same, non-unique name: ${local.name}`);
  if ([local.id, remote.id].includes('0')) throw fail('connect cluster', 'cluster ID must be > 0');
  if (local.ca !== remote.ca)
    process.stdout.write(
      '⚠️ Cilium CA certificates do not match between clusters. Multicluster features will be limited!\n',
    );
  await remember(local, remote);
  if ((flags.get('connection-mode') ?? 'bidirectional') !== 'unicast') await remember(remote, local);
  process.stdout.write(`✅ Connected cluster ${local.name} <=> ${remote.name}!\n`);
};

/** `cilium clustermesh status`. */
export const meshStatus = async (session: CiliumSession): Promise<void> => {
  const { client, flags } = session;
  const look = async () => {
    const deployment = await client.find({
      resource: 'deployments.apps',
      name: 'clustermesh-apiserver',
      namespace: NAMESPACE,
    });
    return {
      exists: deployment !== undefined,
      ready: Number(textAt(deployment, 'status', 'readyReplicas') || '0') > 0,
    };
  };
  let state = await look();
  if (!state.ready && flags.on('wait')) {
    await until(
      async () => {
        state = await look();
        return state.ready;
      },
      durationOf(flags.get('wait-duration') ?? '15m'),
    );
  }
  if (!state.exists)
    throw fail(
      'determine status',
      'unable to determine status: clustermesh-apiserver is not available: deployments.apps "clustermesh-apiserver" not found',
    );
  if (!state.ready)
    throw fail('determine status', 'timeout while waiting for status to become successful: context deadline exceeded');
  const service = await client.find({ resource: 'services', name: 'clustermesh-apiserver', namespace: NAMESPACE });
  const names = Object.keys(dictAt(await client.find(REMOTES), 'data'));
  const clusters = Object.fromEntries(names.map((name) => [name, { configured: 1, connected: 1 }]));
  const connectivity = {
    global_services: { min: 0, avg: 0, max: 0 },
    connected: { min: names.length, avg: names.length, max: names.length },
    clusters,
    total: 1,
    not_ready: 0,
    errors: [],
  };
  const printed = { service: { type: textAt(service, 'spec', 'type') }, connectivity };
  if (flags.get('output') === 'json') printJson(printed);
  else process.stdout.write(`✅ ClusterMesh enabled, ${names.length} remote clusters: ${names.join(', ')}\n`);
};
