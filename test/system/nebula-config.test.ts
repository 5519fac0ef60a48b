import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROLES, type Role } from '#contract';
import { certificateToPem, generateNodeKeyPair, nodePrivateKeyToPem } from '../../lambda/identity/certificate/index.ts';
import { renderNebulaConfig } from '../../lambda/identity/nebula-config.ts';
import { signedBy, testAuthority } from '../lambda/identity/support/authority.ts';
import { settings } from '../lambda/identity/support/settings.ts';
import { nebulaPrograms, skipLoudly, without } from './support/nebula-programs.ts';

const missing = without(nebulaPrograms, 'nebula', 'NEBULA_BIN');
const now = Math.floor(Date.now() / 1000);
/** An address instead of a name: Nebula 1.6 looks names up before it says that a configuration is good. */
const fleet = settings({ mesh: { ...settings().mesh, lighthouseEndpoint: '192.0.2.1:4242' } });
const SERVER = { meshIp: '10.100.2.1', privateIp: '10.20.0.10' };

describe.skipIf(skipLoudly('nebula -test', missing))('the rendered configuration', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'carrierarr-nebula-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (role: Role, change: (config: string) => string = (config) => config, given = fleet): void => {
    const authority = testAuthority({ notBefore: now - 3600, notAfter: now + 86_400 });
    const { publicKey, privateKey } = generateNodeKeyPair();
    const certificate = signedBy(authority, { publicKey, notBefore: now - 60, notAfter: now + 3600 });
    writeFileSync(join(directory, 'ca.crt'), certificateToPem(authority.certificate));
    writeFileSync(join(directory, 'host.crt'), certificateToPem(certificate));
    writeFileSync(join(directory, 'host.key'), nodePrivateKeyToPem(privateKey));
    const config = renderNebulaConfig(given, role, SERVER).replaceAll('/etc/nebula', directory);
    writeFileSync(join(directory, 'config.yml'), change(config));
  };
  const test = (path: string) =>
    spawnSync(path, ['-test', '-config', join(directory, 'config.yml')], { encoding: 'utf8', timeout: 20_000 });

  describe.each(nebulaPrograms)('$label', ({ path }) => {
    it.each(ROLES)('of a %s is accepted', (role) => {
      write(role);

      const { status, stdout, stderr } = test(path);

      expect(status, stdout + stderr).toBe(0);
    });

    it.each(ROLES)('of a %s whose node has a mesh address is accepted', (role) => {
      write(role, (config) => config, { ...fleet, cluster: { ...fleet.cluster, nodeNetwork: 'mesh' } });

      const { status, stdout, stderr } = test(path);

      expect(status, stdout + stderr).toBe(0);
    });

    it.each<[string, (config: string) => string]>([
      [
        'a firewall rule without a source',
        (config) => config.replace(', host: any}\n    # homelab', '}\n    # homelab'),
      ],
      ['an allow list of nonsense', (config) => config.replace('"10.42.0.0/16": false', '"10.42.0.0": false')],
      ['a lighthouse outside the mesh', (config) => config.replaceAll('10.100.0.1', '10.200.0.1')],
    ])('with %s would be refused', (_, change) => {
      write('gpu-worker', change);

      expect(test(path).status).not.toBe(0);
    });
  });
});
