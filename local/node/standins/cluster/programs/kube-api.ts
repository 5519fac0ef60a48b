import { FlagError, parseFlags } from '../flags.ts';
import { makeHomelabCluster } from '../homelab.ts';
import { STANDINS } from '../place.ts';
import { Exit, runProgram } from '../program.ts';
import { Cluster } from '../server/cluster.ts';
import { serveCluster } from '../server/serve.ts';

const doorOf = (text: string): { host: string; port: number } => {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === '') throw new Exit(1, `kube-api: --listen wants ADDRESS:PORT, got ${text}`);
  return { host, port: Number(port) };
};

const clusterFor = (preset: string, file: string, certificateNames: readonly string[]): Cluster => {
  if (preset === 'talos') return makeHomelabCluster({ file, certificateNames });
  if (preset !== 'k3s') throw new Exit(1, `kube-api: --preset is talos or k3s, got ${preset}`);
  return new Cluster({ file, version: 'v1.31.4+k3s1', podSecurity: 'privileged', needsCni: false });
};

/** `kube-api --state FILE --listen ADDRESS:PORT[,…] [--preset talos|k3s] [--certificate-name NAME]`: an API server alone. */
const main = async (argv: readonly string[]): Promise<number> => {
  let flags: ReturnType<typeof parseFlags>;
  try {
    flags = parseFlags(argv, { values: ['state', 'listen', 'preset', 'certificate-name'] });
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new Exit(2, `kube-api: ${error.message}`);
  }
  const file = flags.get('state') ?? `${STANDINS}/kube/state.json`;
  const cluster = clusterFor(flags.get('preset') ?? 'talos', file, flags.all('certificate-name'));
  const doors = flags
    .all('listen')
    .flatMap((list) => list.split(','))
    .map(doorOf);
  if (doors.length === 0) throw new Exit(2, 'kube-api: --listen is missing');
  const api = await serveCluster(cluster, doors);
  process.stdout.write(`kube-api: listens on ${api.ports.join(' ') || 'wires'}\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  await api.close();
  return 0;
};

await runProgram('kube-api', () => undefined, main);
