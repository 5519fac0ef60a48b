import { BlockList, isIPv4 } from 'node:net';
import { ConfigurationError } from '#shared/errors.ts';

/** Everything the door may do, as closed lists. */
export interface Settings {
  /** Address of the node on its LAN: the proxy listens there and nowhere else. */
  readonly hostAddress: string;
  readonly proxyPort: number;
  readonly sources: BlockList;
  /** Address of the node in the mesh: every socket towards the mesh is bound to it. */
  readonly meshAddress: string;
  readonly mesh: BlockList;
  readonly ports: ReadonlySet<number>;
  /** Undefined: nothing is forwarded from the mesh. */
  readonly forward: { readonly port: number; readonly host: string; readonly targetPort: number } | undefined;
  readonly keepAliveMilliseconds: number;
  readonly connectMilliseconds: number;
  readonly maxConnections: number;
  readonly drainMilliseconds: number;
}

/** Wider than this is no closed list any more. */
const SHORTEST_PREFIX = 8;

interface Range {
  readonly address: string;
  readonly prefix: number;
}

/** Reads one variable at a time and keeps every fault, so that one start shows all of them. */
class Reader {
  readonly faults: string[] = [];
  readonly #environment: NodeJS.ProcessEnv;
  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  text(name: string, preset: string | undefined): string {
    const value = this.#environment[name] ?? preset;
    if (value !== undefined) return value.trim();
    this.faults.push(`${name}: missing`);
    return '';
  }

  #checked<T>(name: string, text: string, allowed: string, value: T | undefined, instead: T): T {
    if (value !== undefined) return value;
    // A missing variable has been reported as such.
    if (text !== '') this.faults.push(`${name}: got ${text}, allowed: ${allowed}`);
    else if (this.#environment[name] !== undefined) this.faults.push(`${name}: empty, allowed: ${allowed}`);
    return instead;
  }

  address(name: string, preset?: string): string {
    const text = this.text(name, preset);
    return this.#checked(name, text, 'an IPv4 address', isIPv4(text) ? text : undefined, '');
  }

  number(name: string, preset: number, minimum: number, maximum: number): number {
    const text = this.text(name, String(preset));
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    const fits = value >= minimum && value <= maximum;
    return this.#checked(name, text, `${minimum} to ${maximum}`, fits ? value : undefined, preset);
  }

  ranges(name: string, preset?: string): Range[] {
    const text = this.text(name, preset);
    const ranges = text.split(',').map((one) => asRange(one.trim()));
    const known = ranges.filter((one) => one !== undefined);
    const allowed = `IPv4 ranges such as 10.244.0.0/16, comma-separated, none wider than /${SHORTEST_PREFIX}`;
    return this.#checked(name, text, allowed, known.length === ranges.length ? known : undefined, []);
  }

  ports(name: string, preset: string): number[] {
    const text = this.text(name, preset);
    const ports = text.split(',').map((one) => Number(one.trim()));
    const fits = ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536);
    return this.#checked(name, text, 'ports, comma-separated', fits ? ports : undefined, []);
  }

  target(name: string): { host: string; targetPort: number } | undefined {
    const text = this.text(name, '');
    if (text === '') return undefined;
    const [, host, port] = /^([A-Za-z0-9.-]{1,253}):(\d{1,5})$/.exec(text) ?? [];
    const targetPort = Number(port);
    const target = host === undefined || targetPort === 0 || targetPort > 65_535 ? undefined : { host, targetPort };
    return this.#checked<typeof target>(name, text, 'host:port, or empty for no forward', target, undefined);
  }
}

const asRange = (text: string): Range | undefined => {
  const [, address, prefix] = /^([0-9.]+)\/(\d{1,2})$/.exec(text) ?? [];
  if (address === undefined || !isIPv4(address)) return undefined;
  const length = Number(prefix);
  return length >= SHORTEST_PREFIX && length <= 32 ? { address, prefix: length } : undefined;
};

const listOf = (ranges: readonly Range[]): BlockList => {
  const list = new BlockList();
  for (const { address, prefix } of ranges) list.addSubnet(address, prefix, 'ipv4');
  return list;
};

const overlap = (one: readonly Range[], other: readonly Range[]): boolean =>
  one.some(({ address }) => listOf(other).check(address)) || other.some(({ address }) => listOf(one).check(address));

/**
 * Reads the door's environment.
 *
 * @throws ConfigurationError naming every variable that is missing, malformed or contradicts another
 */
export const readSettings = (environment: NodeJS.ProcessEnv): Settings => {
  const read = new Reader(environment);
  const hostAddress = read.address('DOOR_HOST_ADDRESS');
  const meshAddress = read.address('DOOR_MESH_ADDRESS', '10.100.0.1');
  const sources = read.ranges('DOOR_SOURCES');
  const mesh = read.ranges('DOOR_MESH_CIDR', '10.100.0.0/16');
  const forwardPort = read.number('DOOR_FORWARD_PORT', 50_051, 1, 65_535);
  const target = read.target('DOOR_FORWARD_TO');
  const settings: Settings = {
    hostAddress,
    proxyPort: read.number('DOOR_PROXY_PORT', 3128, 1, 65_535),
    sources: listOf(sources),
    meshAddress,
    mesh: listOf(mesh),
    ports: new Set(read.ports('DOOR_PORTS', '6443,11434,8080')),
    forward: target === undefined ? undefined : { port: forwardPort, ...target },
    keepAliveMilliseconds: read.number('DOOR_KEEP_ALIVE_SECONDS', 30, 1, 300) * 1000,
    connectMilliseconds: read.number('DOOR_CONNECT_SECONDS', 10, 1, 120) * 1000,
    maxConnections: read.number('DOOR_MAX_CONNECTIONS', 1024, 1, 65_535),
    drainMilliseconds: read.number('DOOR_DRAIN_SECONDS', 5, 0, 300) * 1000,
  };
  const { faults } = read;
  if (meshAddress !== '' && mesh.length > 0 && !settings.mesh.check(meshAddress))
    faults.push(`DOOR_MESH_ADDRESS: ${meshAddress} lies outside DOOR_MESH_CIDR`);
  if (hostAddress !== '' && settings.mesh.check(hostAddress))
    faults.push(`DOOR_HOST_ADDRESS: ${hostAddress} lies in the mesh, so workers could use the proxy`);
  if (overlap(sources, mesh)) faults.push('DOOR_SOURCES: overlaps DOOR_MESH_CIDR, so workers could use the proxy');
  if (faults.length === 0) return settings;
  throw new ConfigurationError({
    what: `the environment of the mesh door is not usable: ${faults.join(' | ')}`,
    remedy: 'correct the variables of the mesh-door Deployment, see docs/homelab.md',
  });
};
