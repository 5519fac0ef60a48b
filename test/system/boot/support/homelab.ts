import {
  certificateToPem,
  generateNodeKeyPair,
  nodePrivateKeyToPem,
} from '../../../../lambda/identity/certificate/index.ts';
import type { LighthouseIdentity } from '../../../../local/node/mesh/authority.ts';
import { lighthouseConfig, lighthouseScript } from '../../../../local/node/mesh/lighthouse.ts';
import { network, signedBy, type TestAuthority, testAuthority } from '../../../lambda/identity/support/authority.ts';
import { anIdentity, type TestIdentity } from '../../../ssm/identity-builders.ts';
import { type Ground, outputOf } from './ground.ts';
import { HOMELAB_NETWORK } from './wire.ts';

const HOUR = 3600;

/** An authority that is valid now. */
export const anAuthority = (phrase: string): TestAuthority => {
  const now = Math.floor(Date.now() / 1000);
  return testAuthority({ notBefore: now - HOUR, notAfter: now + 1000 * HOUR, groups: [] }, phrase);
};

const lighthouseIdentity = (authority: TestAuthority): LighthouseIdentity => {
  const { publicKey, privateKey } = generateNodeKeyPair();
  const now = Math.floor(Date.now() / 1000);
  const certificate = signedBy(authority, {
    name: 'talos00',
    networks: [network('10.100.0.1/16')],
    groups: ['lighthouse', 'homelab'],
    notBefore: now - 60,
    notAfter: now + HOUR,
    publicKey,
  });
  return {
    caPem: certificateToPem(authority.certificate),
    certificatePem: certificateToPem(certificate),
    keyPem: nodePrivateKeyToPem(privateKey),
  };
};

/** An identity signed by an authority that only the machine itself trusts. */
export const aStrangersIdentity = (name: string, address: string): TestIdentity => {
  const stranger = anAuthority('stranger');
  const { publicKey, privateKey } = generateNodeKeyPair();
  const { secret, ...identity } = anIdentity({ name }, address);
  const now = Math.floor(Date.now() / 1000);
  const certificate = signedBy(stranger, {
    name,
    networks: [network(`${address}/16`)],
    notBefore: now - 60,
    notAfter: now + HOUR,
    publicKey,
  });
  const members = {
    nebula_ca_crt: certificateToPem(stranger.certificate),
    nebula_node_crt: certificateToPem(certificate),
    nebula_node_key: nodePrivateKeyToPem(privateKey),
  };
  return { ...identity, secret: { ...secret, ...members } };
};

const inHomelab = (...command: string[]) => ['nsenter', `--net=${HOMELAB_NETWORK}`, '--', ...command];

export interface Echo {
  /** When the first echo came back, in milliseconds. */
  readonly first: Promise<number>;
  stop(): void;
}

/** The homelab's end of the mesh: real Nebula with a CA of its own, trusting the fleet's too. */
export const startHomelab = async (ground: Ground, nebula: string, fleetCaPem: string) => {
  const identity = lighthouseIdentity(anAuthority('homelab'));
  const script = lighthouseScript(identity, lighthouseConfig(`${identity.caPem.trimEnd()}\n${fleetCaPem}`));
  const program = ground.spawn(inHomelab('bash', '-c', script), {
    env: { PATH: `${nebula.slice(0, nebula.lastIndexOf('/'))}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  await outputOf(program, 'lighthouse');

  /** Pings through the mesh, twenty times a second, until an echo comes back. */
  const ping = (address: string): Echo => {
    const child = ground.spawn(inHomelab('ping', '-n', '-D', '-i', '0.05', address), {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const first = new Promise<number>((resolve, reject) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        const time = /^\[(\d+\.\d+)\] \d+ bytes from/m.exec(text)?.[1];
        if (time !== undefined) resolve(Number(time) * 1000);
      });
      child.once('exit', () => reject(new Error(`${address} never answered through the mesh`)));
    });
    first.then(
      () => child.kill(),
      () => undefined,
    );
    return { first, stop: () => child.kill() };
  };

  return {
    /** To be trusted by workers beside the fleet's. */
    caPem: identity.caPem,
    ping,
    /** Status of an HTTP answer through the mesh. */
    get: (url: string) =>
      ground.run(
        inHomelab(`curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' ${url}`).join(' '),
      ),
    log: () => ground.run('cat /run/nebula/log'),
  };
};

export type HomelabEnd = Awaited<ReturnType<typeof startHomelab>>;
