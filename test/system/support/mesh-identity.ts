import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The fleet's certificate authority and the secrets of its workers, made with the real nebula-cert. */
export const makeFleetAuthority = (nebulaCert: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-fleet-ca-'));
  const path = (name: string) => join(folder, name);
  const run = (...options: string[]) => execFileSync(nebulaCert, options, { stdio: 'pipe' });
  run('ca', '-name', 'talos-homelab-mesh', '-out-crt', path('ca.crt'), '-out-key', path('ca.key'));
  const fleetCaPem = readFileSync(path('ca.crt'), 'utf8');
  const signer = ['-ca-crt', path('ca.crt'), '-ca-key', path('ca.key')];

  /** `catalyst-llm/nebula-<name>` as the identity function stores it. */
  const secretOf = (name: string, address: string, trustedCaPem: string): string => {
    const files = ['-out-crt', path(`${name}.crt`), '-out-key', path(`${name}.key`)];
    run('sign', ...signer, '-name', name, '-ip', `${address}/16`, '-groups', 'workers,aws', ...files);
    return JSON.stringify({
      nebula_ca_crt: fleetCaPem + trustedCaPem,
      nebula_node_crt: readFileSync(path(`${name}.crt`), 'utf8'),
      nebula_node_key: readFileSync(path(`${name}.key`), 'utf8'),
      nebula_ip: address,
      lighthouse_endpoint: 'nebula.knowledgedump.space:4242',
      nebula_config: readFileSync('test/golden/nebula/config-gpu-worker.yml', 'utf8'),
    });
  };
  return { fleetCaPem, secretOf, remove: () => rmSync(folder, { recursive: true }) };
};
