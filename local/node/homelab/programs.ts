import { join } from 'node:path';
import { bundleProgram } from '../bundle-program.ts';
import { HOMELAB } from './addresses.ts';

const DOOR = join(import.meta.dirname, '../../../homelab/mesh-door/main.ts');

export const DOOR_PROGRAM = 'mesh-door.mjs';

/** Name of the Unix socket behind which the control plane's page answers. */
export const PAGE_SOCKET = 'page.sock';

/** The real mesh door as one file. */
export const bundleDoor = (): Promise<string> => bundleProgram(DOOR);

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export interface HostPrograms {
  /** Whether the mesh is real, and with it the door. */
  readonly mesh: boolean;
  /** File that the lighthouse logs to, or what plays it. */
  readonly lighthouseLog: string;
  /** The lighthouse's `config.yml`. */
  readonly lighthouseConfig: string;
  /** Environment of the control plane. */
  readonly controlPlane: Readonly<Record<string, string>>;
  /** Whether workers open the API server at the lighthouse's mesh address: its certificate must carry it. */
  readonly provides: boolean;
}

const CLUSTER_BIN = '/.agent/stand-ins/cluster-bin';
const KNOBS = '/run/standins';

const api = ({ provides }: HostPrograms): string[] => [
  `${CLUSTER_BIN}/kube-api`,
  ...['--preset', 'talos', '--state', '/var/lib/standins/homelab.json'],
  ...['--listen', `${HOMELAB.api}:${HOMELAB.apiPort},${HOMELAB.mesh}:6443`],
  ...(provides ? ['--certificate-name', HOMELAB.mesh] : []),
];

const AGENTS = `127.0.0.1:${HOMELAB.forwardedAgentsPort}`;
const PAGE = `${HOMELAB.host}:${HOMELAB.controlPlanePort}`;

/** Where the control plane listens: without a network on its own loopback, to which the bridge leads. */
const pageHere = ({ mesh }: HostPrograms): string => (mesh ? PAGE : `127.0.0.1:${HOMELAB.controlPlanePort}`);

const controlPlane = (programs: HostPrograms): string[] => [
  'env',
  ...Object.entries(programs.controlPlane).map(([name, value]) => `${name}=${value}`),
  `${CLUSTER_BIN}/control-plane`,
  ...['--grpc-addr', AGENTS, '--http-addr', pageHere(programs), '--data-dir', HOMELAB.controlPlaneFolder],
];

/** Leads into this cell: whoever looks at the page from outside, and without a network the agents and the cluster. */
const bridge = (programs: HostPrograms): string[] => [
  '/.agent/node',
  '/.agent/cluster/bridge.mjs',
  ...['--socket', `${HOMELAB.controlPlaneFolder}/${PAGE_SOCKET}=${pageHere(programs)}`],
  ...(programs.mesh
    ? []
    : [...['--in', `${HOMELAB.mesh}:${HOMELAB.agentsPort}=${AGENTS}`], ...['--in', `${PAGE}=${pageHere(programs)}`]]),
];

const door = (): string[] => [
  'env',
  `DOOR_HOST_ADDRESS=${HOMELAB.host}`,
  `DOOR_SOURCES=${HOMELAB.podCidr}`,
  `DOOR_MESH_ADDRESS=${HOMELAB.mesh}`,
  `DOOR_FORWARD_TO=127.0.0.1:${HOMELAB.forwardedAgentsPort}`,
  '/.agent/node',
  `/.agent/program/${DOOR_PROGRAM}`,
];

const start = (name: string, command: readonly string[]): string =>
  `setsid -f ${command.map(quote).join(' ')} >'/run/homelab/${name}.log' 2>&1 </dev/null`;

const awaited = ({ mesh }: HostPrograms): (readonly [host: string, port: number])[] => [
  [HOMELAB.api, HOMELAB.apiPort],
  [mesh ? HOMELAB.host : '127.0.0.1', HOMELAB.controlPlanePort],
  ...(mesh ? [[HOMELAB.host, HOMELAB.proxyPort] as const] : []),
];

const kubeconfig = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'talos',
  clusters: [{ name: 'talos', cluster: { server: `https://${HOMELAB.api}:${HOMELAB.apiPort}` } }],
  users: [{ name: 'admin', user: { token: 'admin' } }],
  contexts: [{ name: 'talos', context: { cluster: 'talos', user: 'admin' } }],
});

const configMap = ({ lighthouseConfig }: HostPrograms): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'nebula-config', namespace: 'nebula' },
    data: { 'config.yml': lighthouseConfig },
  });

/** Where the API server finds what a Service stands for. */
const proxies = JSON.stringify({
  'carrierarr/carrierarr-control-plane:8090': `${HOMELAB.host}:${HOMELAB.controlPlanePort}`,
});

/**
 * Script that starts what runs on the homelab's node beside the lighthouse, waits until it answers, and gives the
 * cluster the lighthouse's configuration, trust in the fleet's CA included: what the operator does by hand.
 */
export const programsScript = (programs: HostPrograms): string => `#!/bin/bash
set -euo pipefail
mkdir -p /run/homelab ${KNOBS}/kube
ln -sfn ${programs.lighthouseLog} ${KNOBS}/lighthouse.log
printf '%s' ${quote(proxies)} >${KNOBS}/kube/proxy.json
printf '%s' ${quote(kubeconfig)} >/run/homelab/kubeconfig
answers() {
  if [[ -n \${STANDIN_WIRES:-} && $1 != 127.* ]]; then [[ -S $STANDIN_WIRES/$1:$2.sock ]]; else (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; fi
}
await() {
  local look
  for ((look = 1; look <= 200; look++)); do
    if answers "$1" "$2"; then return 0; fi
    sleep 0.05
  done
  tail -n 20 /run/homelab/*.log >&2
  exit 1
}
${start('api', api(programs))}
mkdir -p ${HOMELAB.controlPlaneFolder}
${start('control-plane', controlPlane(programs))}
${start('bridge', bridge(programs))}
${programs.mesh ? start('mesh-door', door()) : ''}
${awaited(programs)
  .map(([host, port]) => `await ${host} ${port}`)
  .join('\n')}
printf '%s' ${quote(configMap(programs))} | kubectl --kubeconfig /run/homelab/kubeconfig apply -f - >/dev/null
`;
