import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ROLES, type Role } from '#contract';
import { certificateToPem } from '../../../../lambda/identity/certificate/index.ts';
import { agentMembers, serverMembers } from '../../../ssm/cluster-builders.ts';
import { FakeInstance, secretValue } from '../../../ssm/fake-instance.ts';
import { anAgentToken, anIdentity, authority, type TestIdentity } from '../../../ssm/identity-builders.ts';
import type { Program } from '../../support/nebula-programs.ts';
import { startCloud } from './cloud.ts';
import { removeControlGroups } from './control-groups.ts';
import { Ground } from './ground.ts';
import { type Echo, startHomelab } from './homelab.ts';
import { Machine } from './machine.ts';
import type { PlainLighthouse } from './plain.ts';
import { addressOf, layWire, makeNetwork, plugIn } from './wire.ts';

/** What a secret holds, by member. */
export type Secret = Record<string, string>;

export interface MachineSetting {
  /** @default `gpu-worker` */
  readonly role?: Role;
  /** @default that of its role */
  readonly image?: 'plain';
  /** Milliseconds until instance metadata answers it. @default 0 */
  readonly metadataAfter?: number;
  /** Milliseconds until its network has a link. @default 0 */
  readonly pluggedAfter?: number;
  /** Changes the instance before it is switched on: metadata, answers of Secrets Manager. */
  readonly prepare?: (instance: FakeInstance, secret: Secret) => unknown;
  /** Files of its disk that differ from the image, by path; one that begins like a program is one. */
  readonly files?: Readonly<Record<string, string>>;
  readonly identity?: (name: string, address: string) => TestIdentity;
}

/**
 * A machine that is stopped when whoever switched it on is done: running ones share this machine's inotify instances.
 */
export interface Switched extends AsyncDisposable {
  readonly machine: Machine;
  readonly name: string;
  readonly meshAddress: string;
  readonly secret: Secret;
  /** Pings from the homelab since before it was switched on. */
  readonly echo: Echo;
}

const notifies = ({ label }: Program): string => (/ 1\.[0-7]\./.test(label) ? 'no' : 'yes');

/** Lays out what a machine has on its disk. */
export const IMAGE_SCRIPT = join(import.meta.dirname, 'image.sh');

/** What that script is told. @param device a line of networkd's that matches the machine's network device */
export const imageEnvironment = (nebula: Program, authorityPem: string, device: string): Record<string, string> => ({
  PROJECT: resolve('.'),
  NEBULA: nebula.path,
  NOTIFIES: notifies(nebula),
  AUTHORITY: authorityPem,
  DEVICE: device,
});

const issue = (name: string, address: string): TestIdentity => anIdentity({ name }, address);

const roleMembers = (role: Role): Secret => (role === 'lighthouse' ? serverMembers() : agentMembers());

/** A homelab, AWS and machines that boot, all in namespaces of their own. */
export class World {
  readonly ground: Ground;
  readonly homelab: Awaited<ReturnType<typeof startHomelab>>;
  readonly #cloud: Awaited<ReturnType<typeof startCloud>>;
  readonly #nebula: Program;
  readonly #machines: Switched[] = [];
  #count = 0;

  private constructor(
    ground: Ground,
    cloud: Awaited<ReturnType<typeof startCloud>>,
    homelab: Awaited<ReturnType<typeof startHomelab>>,
    nebula: Program,
  ) {
    this.#nebula = nebula;
    this.ground = ground;
    this.#cloud = cloud;
    this.homelab = homelab;
  }

  /** @param agent the worker agent's executable; without it machines have a stand-in, which costs next to nothing */
  static async start(nebula: Program, agent?: string): Promise<World> {
    await removeControlGroups();
    const ground = await Ground.start();
    try {
      await layWire(ground);
      const cloud = await startCloud(ground);
      const told = imageEnvironment(nebula, cloud.authorityPem, 'Name=ens5');
      const environment = agent === undefined ? told : { ...told, AGENT: agent };
      const images = ROLES.map((role) => ground.run(`bash '${IMAGE_SCRIPT}' ${role}`, environment));
      const fleetCaPem = certificateToPem(authority.certificate);
      const [homelab] = await Promise.all([startHomelab(ground, nebula.path, fleetCaPem), ...images]);
      return new World(ground, cloud, homelab, nebula);
    } catch (error) {
      await ground.close();
      throw error;
    }
  }

  /** Prepares for machines without our image, and gives the setting of one. */
  async preparePlain(plain: PlainLighthouse): Promise<MachineSetting> {
    const environment = imageEnvironment(this.#nebula, this.#cloud.authorityPem, 'Name=ens5');
    const { sandbox, bundle, bundleKey, userData } = plain;
    await this.ground.run(`bash '${IMAGE_SCRIPT}' plain`, { ...environment, SANDBOX: sandbox.folder });
    this.#cloud.mirror(join(sandbox.folder, 'mirror'));
    const prepare = ({ metadata, objects }: FakeInstance) => {
      metadata.set('user-data', userData);
      objects.set(`/${bundleKey}`, bundle);
    };
    return { role: 'lighthouse', image: 'plain', prepare };
  }

  /** What the cloud and the homelab know of a machine before there is one. */
  #register(setting: MachineSetting, number: number) {
    const { role = 'gpu-worker', prepare, identity = issue } = setting;
    const name = `${role}-${String(number).padStart(3, '0')}`;
    const meshAddress = `10.100.2.${number}`;
    const issued = identity(name, meshAddress).secret;
    const trusted = `${issued.nebula_ca_crt?.trimEnd()}\n${this.homelab.caPem}`;
    const secret: Secret = { ...issued, nebula_ca_crt: trusted, agent_token: anAgentToken(), ...roleMembers(role) };
    const instance = new FakeInstance(role);
    instance.metadata.set('meta-data/local-ipv4', addressOf(number));
    instance.metadata.set('meta-data/tags/instance/carrierarr:worker', name);
    instance.secret = [secretValue(secret)];
    prepare?.(instance, secret);
    return { role, name, meshAddress, secret, instance };
  }

  /** Switches a machine on. */
  async boot(setting: MachineSetting = {}): Promise<Switched> {
    const { metadataAfter = 0, pluggedAfter = 0, files = {} } = setting;
    this.#count += 1;
    const number = this.#count;
    const { role, name, meshAddress, secret, instance } = this.#register(setting, number);
    const host = `cb${process.pid}-${number}`;
    const address = addressOf(number);
    const answer = () => this.#cloud.instances.set(address, instance);
    const plug = () => plugIn(this.ground, host);
    const echo = this.homelab.ping(meshAddress);
    echo.first.catch(() => undefined);
    await Promise.all([makeNetwork(this.ground, host, number), this.#write(host, files)]);
    if (metadataAfter === 0) answer();
    else setTimeout(answer, metadataAfter);
    if (pluggedAfter === 0) await plug();
    else setTimeout(() => void plug(), pluggedAfter);
    const image = setting.image ?? role;
    const console = this.ground.path(`/run/consoles/${host}`);
    const machine = new Machine(this.ground, { name: host, image, instance, address, console });
    const stop = async () => {
      echo.stop();
      await machine.stop();
    };
    const switched = { machine, name, meshAddress, secret, echo, [Symbol.asyncDispose]: stop };
    this.#machines.push(switched);
    return switched;
  }

  async #write(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = this.ground.path(`/run/machines/${name}/upper${path}`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
    }
  }

  /** What a machine printed to its console. */
  console({ machine }: Switched): string {
    return readFileSync(this.ground.path(`/run/consoles/${machine.name}`), 'utf8');
  }

  async close(): Promise<void> {
    for (const { echo } of this.#machines) echo.stop();
    this.#cloud.close();
    await this.ground.close();
    await Promise.all(this.#machines.map(({ machine }) => machine.ended));
    await removeControlGroups();
  }
}
