import { dictAt, isDict, listAt, textAt } from '../object.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn } from '../server/kinds.ts';

const SERVICES = builtIn('services');

const freeAddress = (cluster: Cluster): string => {
  const services = cluster.store.list(SERVICES);
  const taken = new Set(services.map((service) => textAt(service, 'spec', 'clusterIP')));
  const kubernetes = cluster.find(SERVICES, 'default', 'kubernetes');
  const prefix = (textAt(kubernetes, 'spec', 'clusterIP') || '10.43.0.1').split('.').slice(0, 2).join('.');
  for (let host = 20; host < 250; host++) if (!taken.has(`${prefix}.1.${host}`)) return `${prefix}.1.${host}`;
  return `${prefix}.1.250`;
};

const freeNodePort = (cluster: Cluster): number => {
  const taken = new Set(
    cluster.store
      .list(SERVICES)
      .flatMap((service) => listAt(service, 'spec', 'ports').map((p) => textAt(p, 'nodePort'))),
  );
  let port = 30_000;
  while (taken.has(String(port))) port += 1;
  return port;
};

/** Gives Services their cluster address and, by type, their node ports. */
export const services = (cluster: Cluster): void => {
  for (const service of cluster.store.list(SERVICES)) {
    const type = textAt(service, 'spec', 'type') || 'ClusterIP';
    const needsPort =
      type !== 'ClusterIP' && listAt(service, 'spec', 'ports').some((port) => textAt(port, 'nodePort') === '');
    if (textAt(service, 'spec', 'clusterIP') !== '' && !needsPort) continue;
    cluster.store.update(SERVICES, service, (copy) => {
      const clusterIP = textAt(copy, 'spec', 'clusterIP') || freeAddress(cluster);
      const ports = listAt(copy, 'spec', 'ports').map((port) =>
        needsPort && isDict(port) ? { ...port, nodePort: port.nodePort ?? freeNodePort(cluster) } : port,
      );
      copy.spec = { ...dictAt(copy, 'spec'), type, clusterIP, ports };
    });
  }
};
