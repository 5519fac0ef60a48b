import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { certificateToPem, generateNodeKeyPair, nodePrivateKeyToPem } from '../../lambda/identity/certificate/index.ts';
import { issueIdentity } from '../../lambda/identity/issue-identity.ts';
import { createIssuer } from '../../lambda/identity/issuer.ts';
import { createKeySigner } from '../../lambda/identity/key-signer.ts';
import type { IdentityFields } from '../../lambda/identity/mint-identity.ts';
import { renewIdentity } from '../../lambda/identity/renew-identity.ts';
import { network, signedBy, testAuthority } from '../lambda/identity/support/authority.ts';
import { makeReady, reserveWorker, type TestFleet, testFleet } from '../lambda/identity/support/fleet.ts';
import { settings } from '../lambda/identity/support/settings.ts';
import { createMesh, type Mesh, meshObstacle, type NodeFiles } from './support/nebula-mesh.ts';
import { nebulaPrograms, skipLoudly, without } from './support/nebula-programs.ts';

const obstacle = without(nebulaPrograms, 'nebula', 'NEBULA_BIN') ?? meshObstacle();
/** A loaded machine takes seconds to bring the mesh up, and the renewal has to come in time. */
const LIFE_SECONDS = 30;
const DAY_SECONDS = 86_400;
const WIRE = '172.30.44';
const LIGHTHOUSE = '10.100.0.1';

/** The lighthouse as the homelab has it: a CA of its own, which workers trust beside the fleet's. */
const LIGHTHOUSE_CONFIG = `
pki: {ca: /etc/nebula/ca.crt, cert: /etc/nebula/host.crt, key: /etc/nebula/host.key, disconnect_invalid: true}
static_host_map: {}
lighthouse: {am_lighthouse: true}
listen: {host: 0.0.0.0, port: 4242}
punchy: {punch: true}
tun: {dev: nebula0, mtu: 1300}
logging: {level: info, format: json}
firewall:
  outbound: [{port: any, proto: any, host: any}]
  inbound: [{port: any, proto: icmp, host: any}]
`;

/** The two CAs of the real thing: the homelab's, and the fleet's limited to workers. */
const createWorld = () => {
  const now = Math.floor(Date.now() / 1000);
  const life = { notBefore: now - 3600, notAfter: now + 30 * DAY_SECONDS };
  const homelab = testAuthority({ ...life, groups: [] }, 'homelab CA');
  const ours = testAuthority({ ...life, groups: ['workers', 'aws'] });
  const homelabPem = certificateToPem(homelab.certificate);
  const { mesh, network: vpc } = settings();
  const overrides = {
    mesh: {
      ...mesh,
      lighthouseEndpoint: `${WIRE}.1:4242`,
      certificateDays: LIFE_SECONDS / DAY_SECONDS,
      trustedCas: [homelabPem],
    },
    network: { ...vpc, vpcCidr: `${WIRE}.0/24` },
  };
  const issuer = createIssuer(createKeySigner(ours.rawKey), certificateToPem(ours.certificate), overrides.mesh);
  const fleet: TestFleet & { settings: typeof overrides } = {
    ...testFleet({ settings: overrides, authority: ours }),
    clock: { ...systemClock, advance: () => {} },
    issuer: async () => issuer,
  };
  const pair = generateNodeKeyPair();
  const lighthouse = signedBy(homelab, {
    name: 'lighthouse',
    groups: ['lighthouse', 'homelab'],
    networks: [network(`${LIGHTHOUSE}/16`)],
    publicKey: pair.publicKey,
    ...life,
  });
  const files: NodeFiles = {
    ca: issuer.bundle,
    certificate: certificateToPem(lighthouse),
    key: nodePrivateKeyToPem(pair.privateKey),
  };
  return { fleet, lighthouse: files };
};

const provision = async (fleet: TestFleet, name: string) => {
  const reserved = await reserveWorker(fleet, name);
  await issueIdentity(fleet, reserved);
  await makeReady(fleet, reserved);
  return { life: { name, generation: reserved.worker.generation }, address: reserved.worker.address };
};

const secretOf = (fleet: TestFleet, name: string): IdentityFields =>
  JSON.parse(fleet.secrets.versionsOf(`catalyst-llm/nebula-${name}`).at(-1) ?? '') as IdentityFields;
const filesOf = (secret: IdentityFields): NodeFiles => ({
  ca: secret.nebula_ca_crt,
  certificate: secret.nebula_node_crt,
  key: secret.nebula_node_key,
});

describe.skipIf(skipLoudly('renewal in a real mesh', obstacle))('renewal under traffic', () => {
  let mesh: Mesh | undefined;
  afterEach(async () => {
    await mesh?.close();
    mesh = undefined;
  });

  it.each(nebulaPrograms)('loses no packet, and without it the worker is cut off: $label', async ({ path }) => {
    const { fleet, lighthouse } = createWorld();
    mesh = createMesh(path);
    const home = mesh.start('home', `${WIRE}.1`, LIGHTHOUSE_CONFIG, lighthouse);
    const started = Date.now();
    const [renewed, lapsed] = [await provision(fleet, 'w1'), await provision(fleet, 'w2')];
    const start = (name: string, underlay: string) => {
      const secret = secretOf(fleet, name);
      return mesh?.start(name, underlay, secret.nebula_config, filesOf(secret));
    };
    const [w1, w2] = [start('w1', `${WIRE}.2`), start('w2', `${WIRE}.3`)];
    await Promise.all([w1?.reach(LIGHTHOUSE, 15_000), w2?.reach(LIGHTHOUSE, 15_000)]);
    const pings = {
      out: w1?.ping(LIGHTHOUSE),
      home: home.ping(renewed.address),
      lapsed: home.ping(lapsed.address),
    };

    await pause(3000);
    const later = { ...fleet, settings: { ...fleet.settings, mesh: { ...fleet.settings.mesh, certificateDays: 1 } } };
    const { fingerprint } = await renewIdentity(later, renewed.life);
    w1?.renew(filesOf(secretOf(fleet, 'w1')));
    await pause(started + (LIFE_SECONDS + 14) * 1000 - Date.now());
    const [out, in_, lapsing] = await Promise.all([pings.out?.stop(), pings.home.stop(), pings.lapsed.stop()]);

    const context = `${w1?.log().slice(-3000)}\n${home.log().slice(-3000)}`;
    expect(out?.sent, context).toBeGreaterThan(200);
    expect(in_.sent, context).toBeGreaterThan(200);
    expect({ out: out?.lost, in: in_.lost }, context).toEqual({ out: 0, in: 0 });
    expect(lapsing.lost, 'the worker that was not renewed').toBeGreaterThan(20);
    expect(w1?.log()).toContain(fingerprint);
    console.info(
      `${path}: lost ${out?.lost} of ${out?.sent} and ${in_.lost} of ${in_.sent}; not renewed: ${lapsing.lost}`,
    );
  });
});
