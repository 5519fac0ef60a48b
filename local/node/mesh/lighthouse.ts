import { stringify } from 'yaml';
import type { LighthouseIdentity } from './authority.ts';

/** On memory, like a node's own. */
const FOLDER = '/run/nebula';

const configuration = {
  pki: { ca: `${FOLDER}/ca.crt`, cert: `${FOLDER}/host.crt`, key: `${FOLDER}/host.key` },
  lighthouse: { am_lighthouse: true },
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
    ],
  },
};

const file = (name: string, text: string): string =>
  `cat >'${FOLDER}/${name}' <<'END-OF-FILE'\n${text.trimEnd()}\nEND-OF-FILE`;

/**
 * Script that starts the lighthouse in the homelab's cell and waits for its device, with the firewall rules the
 * homelab has (the product's run-book asks for no others).
 */
export const lighthouseScript = (identity: LighthouseIdentity, fleetCaPem: string): string => `#!/bin/bash
set -euo pipefail
umask 077
mkdir -p '${FOLDER}'
${file('ca.crt', `${identity.caPem.trimEnd()}\n${fleetCaPem}`)}
${file('host.crt', identity.certificatePem)}
${file('host.key', identity.keyPem)}
${file('config.yml', stringify(configuration))}
setsid -f nebula -config '${FOLDER}/config.yml' >'${FOLDER}/log' 2>&1 </dev/null
for ((look = 1; look <= 100; look++)); do
  if ip -4 -o address show dev nebula0 2>/dev/null | grep -q inet; then exit 0; fi
  sleep 0.05
done
cat '${FOLDER}/log' >&2
exit 1
`;
