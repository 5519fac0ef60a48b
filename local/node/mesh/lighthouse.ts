import { stringify } from 'yaml';
import type { LighthouseIdentity } from './authority.ts';

/** On memory, like a node's own. */
const FOLDER = '/run/nebula';

/** What `kubectl logs` of the lighthouse shows. */
export const LIGHTHOUSE_LOG = `${FOLDER}/log`;

/** What a homelab needs whose own nodes are used from EC2. */
const API_RULE = { port: 6443, proto: 'tcp', group: 'workers' };

const settings = (trusted: string, provides: boolean) => ({
  pki: { ca: trusted, cert: `${FOLDER}/host.crt`, key: `${FOLDER}/host.key` },
  lighthouse: {
    am_lighthouse: true,
    local_allow_list: {
      interfaces: { 'cilium.*': false, 'lxc.*': false, 'liqo.*': false, 'nebula.*': false, pods: false },
    },
  },
  listen: { host: '0.0.0.0', port: 4242 },
  punchy: { punch: true },
  tun: { dev: 'nebula0', mtu: 1300 },
  logging: { level: 'info', format: 'text' },
  firewall: {
    outbound: [{ port: 'any', proto: 'any', host: 'any' }],
    inbound: [
      { port: 'any', proto: 'icmp', host: 'any' },
      { port: 'any', proto: 'any', groups: ['lighthouse'] },
      { port: 50051, proto: 'tcp', group: 'workers' },
      ...(provides ? [API_RULE] : []),
    ],
  },
});

/** The lighthouse's `config.yml`, trusting these CAs (PEM); the firewall has the rules that the homelab needs. */
export const lighthouseConfig = (trusted: string, provides = false): string => stringify(settings(trusted, provides));

const file = (name: string, text: string): string =>
  `cat >'${FOLDER}/${name}' <<'END-OF-FILE'\n${text.trimEnd()}\nEND-OF-FILE`;

/** Script that starts the lighthouse in the homelab's cell and waits for its device. */
export const lighthouseScript = (identity: LighthouseIdentity, config: string): string => `#!/bin/bash
set -euo pipefail
umask 077
mkdir -p '${FOLDER}'
${file('host.crt', identity.certificatePem)}
${file('host.key', identity.keyPem)}
${file('config.yml', config)}
setsid -f nebula -config '${FOLDER}/config.yml' >'${LIGHTHOUSE_LOG}' 2>&1 </dev/null
for ((look = 1; look <= 100; look++)); do
  if ip -4 -o address show dev nebula0 2>/dev/null | grep -q inet; then exit 0; fi
  sleep 0.05
done
cat '${LIGHTHOUSE_LOG}' >&2
exit 1
`;
