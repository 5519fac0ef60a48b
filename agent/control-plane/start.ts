import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Registry } from 'prom-client';
import { type Log, reasonOf } from '../shared/log.ts';
import { VERSION } from '../shared/version.ts';
import { type Clock, systemClock } from './clock.ts';
import { CommandDesk } from './commands/desk.ts';
import { Fleet } from './fleet/fleet.ts';
import type { FleetObserver } from './fleet/observation.ts';
import { Gate } from './grpc/gate.ts';
import { type GrpcServer, listen, openGrpcServer } from './grpc/server.ts';
import { createApp } from './http/app.ts';
import { bearerFrom } from './http/bearer.ts';
import { EventHub, type EventTimes } from './http/events.ts';
import { createMetrics } from './metrics.ts';
import type { Endpoint, Settings } from './settings.ts';
import { Audit } from './store/audit.ts';
import { CommandStore } from './store/command-store.ts';
import { openDatabase } from './store/database.ts';
import { NodeStore } from './store/node-store.ts';

/** An observer that may have something left to say at the end. */
export type Observer = FleetObserver & { close?(): Promise<void> };

export interface StartOptions {
  readonly log: Log;
  /** Told of idle and dead workers; made with the registry, so that it can count. Nobody is told if absent. */
  readonly observerFor?: (registry: Registry) => Observer | undefined;
  readonly clock?: Clock;
  readonly eventTimes?: EventTimes;
  /** Memory, processor and event loop in /metrics, too. */
  readonly processMetrics?: boolean;
  /** Told to agents that register; 30 s, as known control planes say. */
  readonly heartbeatSeconds?: number;
  readonly statusSeconds?: number;
}

export interface ControlPlane {
  readonly grpcAddress: AddressInfo;
  readonly httpAddress: AddressInfo;
  readonly fleet: Fleet;
  /** Tells agents and readers, writes what is left, and closes everything. A second call waits for the first. */
  close(): Promise<void>;
}

const SWEEP_MILLISECONDS = 1000;
const PRUNE_MILLISECONDS = 3_600_000;
const INTERVAL_SECONDS = 30;
const EVENT_TIMES: EventTimes = { gather: 1000, tick: 10_000 };

const limitsOf = (settings: Settings) => ({
  stale: settings.staleTimeout,
  dead: settings.deadThreshold,
  forget: settings.forgetAfter,
  idleAfter: settings.idleAfter,
  idleEvery: settings.idleEvery,
  deadEvery: settings.deadEvery,
});

/** State, fleet and desk, tied together. */
const createDomain = (settings: Settings, options: StartOptions) => {
  const { log, clock = systemClock } = options;
  const now = () => clock.now();
  const metrics = createMetrics(options.processMetrics ?? false);
  const database = openDatabase(settings.dataDir, log, now);
  const observer = options.observerFor?.(metrics.registry);
  const observe: FleetObserver = {
    observe: (observation) => {
      metrics.observation(observation.kind);
      const { kind, worker, nodeId, path } = observation;
      log('info', 'observed', { kind, worker, node: nodeId, path });
      observer?.observe(observation);
    },
  };
  const fleet = new Fleet({ clock, limits: limitsOf(settings), observer: observe, log });
  const store = new NodeStore(database, (id) => fleet.get(id)?.record, log);
  fleet.restore(store.load());
  const audit = new Audit(database, now, settings.auditDays);
  const desk = new CommandDesk({ clock, store: new CommandStore(database), audit, log, count: metrics.command });
  fleet.subscribe((change) => {
    if (change.kind !== 'path') store.changed(change.id);
    if (change.kind === 'gone' || change.kind === 'life') desk.forget(change.id);
  });
  return { log, clock, metrics, database, observer, fleet, store, audit, desk };
};
type Domain = ReturnType<typeof createDomain>;

const startTimers = ({ fleet, desk, audit, log }: Domain): (() => void) => {
  // A disk that is full or has become read-only must not end the program: it would come up, fail and end again.
  const guarded = (what: string, work: () => void) => (): void => {
    try {
      work();
    } catch (error) {
      log('error', `${what} failed`, { reason: reasonOf(error) });
    }
  };
  const looks = [guarded('look at the fleet', () => fleet.sweep()), guarded('look at commands', () => desk.sweep())];
  const sweep = setInterval(() => {
    for (const look of looks) look();
  }, SWEEP_MILLISECONDS);
  const prune = setInterval(
    guarded('pruning the audit', () => audit.prune()),
    PRUNE_MILLISECONDS,
  );
  return () => {
    clearInterval(sweep);
    clearInterval(prune);
  };
};

const openHttp = async (app: Hono, endpoint: Endpoint) => {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, getRequestListener(app.fetch));
  const address = await listen(server, endpoint, 'the page and the API');
  const close = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  return { address, close };
};

/**
 * Starts a control plane in this process.
 *
 * @throws ConfigurationError where the state, a certificate or a port is not usable
 */
export const startControlPlane = async (settings: Settings, options: StartOptions): Promise<ControlPlane> => {
  const domain = createDomain(settings, options);
  const { log, clock, metrics, database, fleet, store, audit, desk } = domain;
  const events = new EventHub({
    ...{ fleet, clock, version: VERSION, times: options.eventTimes ?? EVENT_TIMES },
    ...{ staleTimeout: settings.staleTimeout, deadThreshold: settings.deadThreshold },
  });
  const stopTimers = startTimers(domain);
  let http: Awaited<ReturnType<typeof openHttp>> | undefined;
  let grpc: GrpcServer | undefined;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    events.close();
    await grpc?.close();
    stopTimers();
    await http?.close();
    await domain.observer?.close?.();
    store.close();
    database.close();
  };
  metrics.watch({
    ...{ fleet, readers: () => events.readers, storeHealthy: () => store.healthy },
    connections: () => grpc?.connections() ?? 0,
  });
  const app = createApp({
    ...{ fleet, desk, audit, events, metrics, log, version: VERSION, pageDir: settings.pageDir },
    bearer: bearerFrom(settings.commandTokenFile, log),
    isReady: () => grpc !== undefined && closing === undefined,
  });
  const { heartbeatSeconds = INTERVAL_SECONDS, statusSeconds = INTERVAL_SECONDS } = options;
  const gate = new Gate(settings, clock, log);
  const service = { fleet, desk, log, clock, gate, heartbeatSeconds, statusSeconds, count: metrics.message };
  try {
    http = await openHttp(app, settings.http);
    grpc = await openGrpcServer(settings, service);
  } catch (error) {
    await close();
    throw error;
  }
  const [grpcAddress, httpAddress] = [grpc.address, http.address];
  const nodes = fleet.list().length;
  log('info', 'control plane', { version: VERSION, grpc: grpcAddress.port, http: httpAddress.port, nodes });
  return { grpcAddress, httpAddress, fleet, close: () => (closing ??= close()) };
};
