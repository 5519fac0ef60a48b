import type { NodeStatus, RegisterRequest } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Log } from '../../shared/log.ts';
import type { Clock } from '../clock.ts';
import type { PathState } from '../views.ts';
import { statusPart } from './from-message.ts';
import { claimsOf, contradictionOf, type Identity, intrudes, isOutlived } from './identity.ts';
import { type FleetLimits, forgive, judgePath, stateAt } from './judge.ts';
import type { AgentStream, LiveNode, NodeRecord } from './node.ts';
import type { FleetObserver } from './observation.ts';
import { observeDead, observeIdle } from './observe.ts';
import { faultOf, isSameLife, nodeIdOf, recordOf } from './registration.ts';

/** What has changed; listeners ask for the rest. `life`: another instance took over the name. */
export type Change =
  | { readonly kind: 'node' | 'gone' | 'life'; readonly id: string }
  | { readonly kind: 'path'; readonly path: PathState };

export interface FleetDeps {
  readonly clock: Clock;
  readonly limits: FleetLimits;
  readonly observer: FleetObserver;
  readonly log: Log;
}

/** Verdict on a registration; `forbidden`: token and message contradict each other, or somebody else's place. */
export type Registration =
  | { readonly accepted: true; readonly node: LiveNode }
  | { readonly accepted: false; readonly forbidden: boolean; readonly reason: string };

/** More than any homelab bursts to; whoever registers more names is not a fleet. */
const MOST_NODES = 5000;
/** Sweeps come each second. Whoever misses so many was not running. */
const HOLE = 15_000;

/**
 * The fleet: who is there, and since when nothing was heard of whom. Pure state, judged by a monotonic clock; streams,
 * store and readers hang on by ports and listeners.
 */
export class Fleet {
  readonly #deps: FleetDeps;
  readonly #nodes = new Map<string, LiveNode>();
  readonly #listeners = new Set<(change: Change) => void>();
  #sweptAt: number | undefined;
  #path: PathState = 'ok';

  constructor(deps: FleetDeps) {
    this.#deps = deps;
  }

  get path(): PathState {
    return this.#path;
  }

  list(): readonly LiveNode[] {
    return [...this.#nodes.values()];
  }

  get(id: string): LiveNode | undefined {
    return this.#nodes.get(id);
  }

  /** Listeners must not throw. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes over what an earlier process knew. Nobody has been silent for longer than this process runs. */
  restore(records: Iterable<NodeRecord>): void {
    const { clock, limits } = this.#deps;
    const now = clock.monotonic();
    for (const record of records) {
      const node: LiveNode = {
        record,
        connected: false,
        stream: undefined,
        heardAt: Number.NEGATIVE_INFINITY,
        nextIdle: undefined,
        // The process before may have died with the news.
        nextDead: record.state === 'dead' ? now + limits.dead : undefined,
      };
      forgive(node, now, limits);
      this.#nodes.set(record.id, node);
    }
  }

  register(request: RegisterRequest, identity: Identity): Registration {
    const fault = faultOf(request);
    if (fault !== undefined) return { accepted: false, forbidden: false, reason: fault };
    const contradiction = contradictionOf(request, identity);
    if (contradiction !== undefined) return { accepted: false, forbidden: true, reason: contradiction };
    const id = nodeIdOf(request);
    const known = this.#nodes.get(id);
    if (known === undefined && !this.#hasRoom())
      return { accepted: false, forbidden: false, reason: `there are ${MOST_NODES} nodes already` };
    const objection = this.#objection(request, id, identity);
    if (objection !== undefined) return { accepted: false, forbidden: true, reason: objection };
    return { accepted: true, node: this.#admit(id, known, request, identity) };
  }

  #objection(request: RegisterRequest, id: string, identity: Identity): string | undefined {
    for (const node of this.#nodes.values()) {
      if (isOutlived(identity, node)) return 'the token is for an earlier life of the worker';
      if (intrudes(request, id, identity, node))
        return 'its host name or mesh address belongs to a worker that is online';
    }
    return undefined;
  }

  /** One agent that comes under ever new names must not keep the others out: its older ones make room. */
  #hasRoom(): boolean {
    if (this.#nodes.size < MOST_NODES) return true;
    const over = this.list().find(({ record }) => record.state === 'gone');
    return over !== undefined && this.forget(over.record.id, 'others need the room');
  }

  #admit(id: string, known: LiveNode | undefined, request: RegisterRequest, identity: Identity): LiveNode {
    const same = known !== undefined && isSameLife(known.record, request);
    if (known !== undefined && !same) {
      known.stream?.end('another instance has taken over the name');
      this.#deps.log('info', 'new life', { node: id, before: known.record.instanceId, instance: request.instanceId });
      this.#tell({ kind: 'life', id });
    }
    const now = this.#deps.clock.now().getTime();
    const node: LiveNode = {
      record: recordOf(request, claimsOf(identity), { now, before: same ? known.record : undefined }),
      connected: true,
      stream: same ? known.stream : undefined,
      heardAt: this.#deps.clock.monotonic(),
      nextIdle: same ? known.nextIdle : undefined,
      nextDead: undefined,
    };
    this.#nodes.set(id, node);
    this.#supersede(node);
    this.#tell({ kind: 'node', id });
    return node;
  }

  /** One worker and one mesh address is one node: older ones under other names are over. */
  #supersede({ record }: LiveNode): void {
    for (const other of this.#nodes.values()) {
      const { id, state, worker, nebulaIp, fleet } = other.record;
      const replaced =
        (worker !== '' && worker === record.worker && fleet === record.fleet) ||
        (nebulaIp !== '' && nebulaIp === record.nebulaIp);
      if (id === record.id || state === 'gone' || !replaced) continue;
      other.stream?.end('another node has taken over the worker');
      other.connected = false;
      other.record = { ...other.record, state: 'gone' };
      this.#deps.log('info', 'replaced', { node: id, by: record.id });
      this.#tell({ kind: 'node', id });
    }
  }

  /**
   * Something of the node has come: a heartbeat, or a message over its stream.
   * @returns whether the node is known; if not, it has to register
   */
  heard(id: string): boolean {
    const node = this.#living(id);
    if (node !== undefined) this.#hear(node);
    return node !== undefined;
  }

  /** Who is over comes back only by registering. */
  #living(id: string): LiveNode | undefined {
    const node = this.#nodes.get(id);
    return node?.record.state === 'gone' ? undefined : node;
  }

  /**
   * The newest stream counts; the one before is told so.
   * @returns whether the node is known; if not, it has to register
   */
  openStream(id: string, stream: AgentStream): boolean {
    const node = this.#living(id);
    if (node === undefined) return false;
    const before = node.stream;
    node.stream = stream;
    node.connected = true;
    before?.end('the node has opened another stream');
    this.#hear(node);
    return true;
  }

  /** Does nothing for a stream that another has replaced: closing twice, or late, harms nobody. */
  closeStream(id: string, stream: AgentStream): void {
    const node = this.#nodes.get(id);
    if (node === undefined || node.stream !== stream) return;
    node.stream = undefined;
    node.connected = false;
    this.#tell({ kind: 'node', id });
  }

  status(id: string, status: NodeStatus): void {
    const node = this.#living(id);
    if (node === undefined) return;
    node.record = { ...node.record, status: statusPart(status) };
    this.#hear(node);
    observeIdle(node, this.#path, this.#deps);
  }

  #hear(node: LiveNode): void {
    const { clock, log } = this.#deps;
    const { id, state } = node.record;
    node.heardAt = clock.monotonic();
    node.record = { ...node.record, lastSeen: clock.now().getTime(), state: 'online' };
    if (state !== 'online') {
      node.nextDead = undefined;
      log('info', 'back', { node: id, worker: node.record.worker, before: state });
    }
    if (this.#path === 'suspect') this.#judgePath();
    this.#tell({ kind: 'node', id });
  }

  /** To be called each second: silence makes stale, dead and forgotten. */
  sweep(): void {
    const { clock, limits, log } = this.#deps;
    const now = clock.monotonic();
    const missing = this.#sweptAt === undefined ? 0 : now - this.#sweptAt;
    this.#sweptAt = now;
    if (missing > HOLE) {
      log('warn', 'was not running', { milliseconds: Math.round(missing) });
      for (const node of this.#nodes.values()) forgive(node, now, limits);
    }
    for (const node of this.list()) this.#judge(node, now);
    this.#judgePath();
    for (const node of this.list()) observeDead(node, this.#path, this.#deps);
  }

  #judge(node: LiveNode, now: number): void {
    const { limits, log, clock } = this.#deps;
    const { id, state: before, lastSeen, worker } = node.record;
    const state = stateAt(node, now, limits);
    if (state !== before) {
      if (state === 'dead') node.nextDead = now;
      node.record = { ...node.record, state };
      node.connected = false;
      log('warn', state, { node: id, worker, lastSeen: new Date(lastSeen).toISOString() });
      // Nothing came through it for minutes: it is half open.
      node.stream?.end(`nothing was heard for ${Math.round((now - node.heardAt) / 1000)} s`);
      this.#tell({ kind: 'node', id });
    }
    const over = state === 'dead' || state === 'gone';
    if (over && clock.now().getTime() - lastSeen >= limits.forget) this.forget(id, 'not heard of for too long');
  }

  #judgePath(): void {
    const path = judgePath(this.#nodes.values());
    if (path === this.#path) return;
    this.#path = path;
    if (path === 'suspect') this.#deps.log('error', 'path suspect', { reason: 'all nodes fell silent at once' });
    else this.#deps.log('info', 'path ok');
    this.#tell({ kind: 'path', path });
  }

  /** @returns whether it was known. An agent that still lives registers again. */
  forget(id: string, reason: string): boolean {
    const node = this.#nodes.get(id);
    if (node === undefined) return false;
    this.#nodes.delete(id);
    node.stream?.end('the node was forgotten');
    this.#deps.log('info', 'forgotten', { node: id, worker: node.record.worker, reason });
    this.#tell({ kind: 'gone', id });
    return true;
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
