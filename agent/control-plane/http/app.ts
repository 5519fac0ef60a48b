import { toJson } from '@bufbuild/protobuf';
import { getConnInfo } from '@hono/node-server/conninfo';
import { type Context, Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { FleetStatusResponseSchema, HealthState, NodeType } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { CommandDesk } from '../commands/desk.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { healthOf, type LiveNode } from '../fleet/node.ts';
import { toFleetStatus, toStats } from '../fleet/to-message.ts';
import { toNodeView, toSummaryView } from '../fleet/to-view.ts';
import type { Metrics } from '../metrics.ts';
import type { Audit } from '../store/audit.ts';
import { Health, NodeKind } from '../views.ts';
import type { Bearer } from './bearer.ts';
import { serveCommands } from './commands.ts';
import type { EventHub } from './events.ts';
import { servePage } from './page.ts';
import { problem } from './problem.ts';

export interface HttpDeps {
  readonly fleet: Fleet;
  readonly desk: CommandDesk;
  readonly audit: Audit;
  readonly events: EventHub;
  readonly bearer: Bearer;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly version: string;
  readonly pageDir: string | undefined;
  /** Whether agents are served. A full disk makes nobody unready: that would cut the fleet off for want of a diary. */
  readonly isReady: () => boolean;
}

/** The page may load what this server serves, and nothing else; nobody may frame it. */
const SECURE = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    objectSrc: ["'none'"],
  },
  referrerPolicy: 'no-referrer',
  xFrameOptions: 'DENY',
  // Plain HTTP inside the homelab: promising TLS to browsers would lock the page out.
  strictTransportSecurity: false,
});

const sourceOf = (context: Context): string => {
  try {
    return getConnInfo(context).remote.address ?? 'unknown';
  } catch {
    return 'unknown';
  }
};

/** `GPU_WORKER`, `gpu-worker` and `NODE_TYPE_GPU_WORKER` mean the same. */
const named = (prefix: string, text: string): string => {
  const name = text.toUpperCase().replaceAll('-', '_');
  return name.startsWith(prefix) ? name : prefix + name;
};

/** Undefined: a filter that names nothing known. */
const filtered = (context: Context, nodes: readonly LiveNode[]): readonly LiveNode[] | undefined => {
  const [type, health] = [context.req.query('type'), context.req.query('health')];
  const kind = type === undefined ? undefined : NodeKind.safeParse(named('NODE_TYPE_', type));
  const state = health === undefined ? undefined : Health.safeParse(named('HEALTH_STATE_', health));
  if (kind?.success === false || state?.success === false) return undefined;
  return nodes.filter(
    ({ record }) =>
      (kind === undefined || record.type === kind.data) && (state === undefined || healthOf(record) === state.data),
  );
};

const serveFleet = (app: Hono, { fleet, events }: HttpDeps): void => {
  const noFilter = { nodeType: NodeType.UNSPECIFIED, health: HealthState.UNSPECIFIED };
  const withNodes = (context: Context, answer: (nodes: readonly LiveNode[]) => Response): Response => {
    const nodes = filtered(context, fleet.list());
    if (nodes !== undefined) return answer(nodes);
    const allowed = `type ${NodeKind.options.join(', ')}; health ${Health.options.join(', ')}`;
    return problem(context, 400, 'the filter names nothing known', `allowed: ${allowed}`);
  };
  app.get('/api/v1/nodes', (context) => withNodes(context, (nodes) => context.json(nodes.map(toSummaryView))));
  app.get('/api/v1/nodes/:id', (context) => {
    const node = fleet.get(context.req.param('id'));
    return node === undefined
      ? problem(context, 404, 'no node has this id', 'GET /api/v1/nodes lists them')
      : context.json(toNodeView(node));
  });
  app.get('/api/v1/fleet', (context) =>
    withNodes(context, (nodes) => {
      const status = toFleetStatus(nodes, noFilter);
      const options = { alwaysEmitImplicit: true, useProtoFieldName: true };
      return context.json(toJson(FleetStatusResponseSchema, status, options));
    }),
  );
  app.get('/api/v1/stats', (context) => context.json(toStats(fleet.list(), fleet.path)));
  app.get('/api/v1/events', (context) => events.serve(context));
};

const serveItself = (app: Hono, { version, isReady, metrics }: HttpDeps): void => {
  app.get('/health', (context) => context.text('ok\n'));
  app.get('/version', (context) => context.json({ version }));
  app.get('/ready', (context) =>
    isReady()
      ? context.text('ready\n')
      : problem(context, 503, 'the control plane is starting or closing', 'see its log'),
  );
  app.get('/metrics', async (context) =>
    context.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
};

const METHODS: Readonly<Record<string, string>> = { '/api/v1/command': 'POST', '/api/v1/nodes/:id': 'GET, DELETE' };

/** What any other method gets, on paths that exist. */
const refuseOtherMethods = (app: Hono): void => {
  const paths = new Set(app.routes.filter(({ method }) => method !== 'ALL').map(({ path }) => path));
  for (const path of paths)
    app.all(path, (context) => {
      const allow = METHODS[path] ?? 'GET';
      return problem(context, 405, `${context.req.method} is not for ${context.req.path}`, `use ${allow}`, { allow });
    });
};

/** The routes; docs/control-plane.md tells what each one answers. */
export const createApp = (deps: HttpDeps): Hono => {
  const { metrics, log } = deps;
  const app = new Hono();
  app.use(async (context, next) => {
    const started = performance.now();
    await next();
    // The pattern that matched, never the path: a label must not grow with what people ask for.
    const route = app.routes.find(({ path }) => path === context.req.routePath)?.path ?? 'other';
    metrics.request(route, context.req.method, context.res.status, (performance.now() - started) / 1000);
  });
  app.use(SECURE);
  app.use('/api/*', async (context, next) => {
    await next();
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  });
  serveItself(app, deps);
  serveFleet(app, deps);
  serveCommands(app, { ...deps, sourceOf, count: metrics.command });
  servePage(app, deps.pageDir, log);
  refuseOtherMethods(app);
  app.notFound((context) =>
    problem(context, 404, `there is nothing at ${context.req.path}`, 'docs/control-plane.md lists the API'),
  );
  app.onError((error, context) => {
    log('error', 'request failed', { reason: reasonOf(error) });
    return problem(context, 500, 'the request could not be served', "look for 'request failed' in the log");
  });
  return app;
};
