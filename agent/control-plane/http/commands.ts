import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import * as z from 'zod';
import type { CommandDesk } from '../commands/desk.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Audit, AuditEntry } from '../store/audit.ts';
import { CommandTypeName } from '../views.ts';
import type { Bearer } from './bearer.ts';
import { problem } from './problem.ts';

export interface CommandDeps {
  readonly fleet: Fleet;
  readonly desk: CommandDesk;
  readonly audit: Audit;
  readonly bearer: Bearer;
  /** Whose request it is, as far as an address tells. */
  readonly sourceOf: (context: Context) => string;
  readonly count: (event: AuditEntry['event']) => void;
}

const MOST_BYTES = 64 * 1024;
const MOST_ARGS = 32;
const LONGEST_SECONDS = 3600;
const ALL = '*';

const CommandBody = z.strictObject({
  node_id: z.string().min(1).max(253),
  type: z.preprocess(
    (value) => (typeof value === 'string' ? value.replace(/^COMMAND_TYPE_/, '') : value),
    CommandTypeName,
  ),
  args: z
    .record(z.string().max(256), z.string().max(8192))
    .nullish()
    .transform((args) => args ?? {})
    .refine((args) => Object.keys(args).length <= MOST_ARGS, `at most ${MOST_ARGS} args`),
  timeout: z
    .int()
    .min(0)
    .max(LONGEST_SECONDS)
    .nullish()
    .transform((seconds) => seconds ?? 0),
});

const parseBody = async (context: Context): Promise<z.output<typeof CommandBody> | string> => {
  try {
    const parsed = CommandBody.safeParse(JSON.parse(await context.req.text()));
    if (parsed.success) return parsed.data;
    return parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join(' | ');
  } catch {
    return 'the body is not JSON';
  }
};

const REMEDY = 'send {"node_id": "<id>" or "*", "type": "SHUTDOWN" …, "args": {…}, "timeout": <seconds, 0 to 3600>}';

const submit = async (context: Context, { fleet, desk, audit, sourceOf, count }: CommandDeps): Promise<Response> => {
  const source = sourceOf(context);
  const body = await parseBody(context);
  if (typeof body === 'string') {
    count('refused');
    audit.refuse({ node_id: '', type: '', source, detail: body });
    return problem(context, 400, body, REMEDY);
  }
  const { node_id: nodeId, type, args, timeout } = body;
  const request = { type, args, timeoutSeconds: timeout, source };
  if (nodeId === ALL) {
    const reachable = fleet.list().filter(({ stream }) => stream !== undefined);
    const { commandId, sent } = desk.submit(
      reachable.map(({ record }) => record.id),
      request,
    );
    return context.json({ command_id: commandId, sent_to: sent });
  }
  const known = fleet.get(nodeId) !== undefined;
  const { commandId, sent } = desk.submit([nodeId], request);
  if (sent === 1) return context.json({ command_id: commandId, sent: true });
  return known
    ? problem(context, 502, 'the node does not take commands now', `see why: GET /api/v1/audit?command_id=${commandId}`)
    : problem(context, 404, 'no node has this id', 'GET /api/v1/nodes lists them');
};

const AuditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.coerce.number().int().min(1).optional(),
  command_id: z.string().max(253).optional(),
  node_id: z.string().max(253).optional(),
});

const listAudit = (context: Context, { audit }: CommandDeps): Response => {
  const query = AuditQuery.safeParse(context.req.query());
  if (!query.success)
    return problem(context, 400, 'the query is not valid', 'limit 1 to 1000, before <id>, command_id, node_id');
  const { limit, before, command_id: commandId, node_id: nodeId } = query.data;
  return context.json(audit.list({ limit, before, commandId, nodeId }));
};

/** Everything that needs the command token. */
export const serveCommands = (app: Hono, deps: CommandDeps): void => {
  const refused = (context: Context, type: string): Response | undefined => {
    const refusal = deps.bearer(context);
    if (refusal === undefined) return undefined;
    deps.count('refused');
    const source = deps.sourceOf(context);
    deps.audit.refuse({ node_id: '', type, source, detail: refusal.reason });
    return refusal.answer;
  };
  const tooLarge = (context: Context): Response =>
    problem(context, 413, `the body has more than ${MOST_BYTES} bytes`, REMEDY);
  app.post(
    '/api/v1/command',
    async (context, next) => refused(context, 'COMMAND') ?? (await next()),
    bodyLimit({ maxSize: MOST_BYTES, onError: tooLarge }),
    async (context) => await submit(context, deps),
  );
  app.get('/api/v1/audit', (context) => deps.bearer(context)?.answer ?? listAudit(context, deps));
  app.delete('/api/v1/nodes/:id', (context) => {
    const refusal = refused(context, 'FORGET');
    if (refusal !== undefined) return refusal;
    const id = context.req.param('id');
    const source = deps.sourceOf(context);
    if (!deps.fleet.forget(id, 'an operator said so'))
      return problem(context, 404, 'no node has this id', 'GET /api/v1/nodes lists them');
    deps.audit.add({ event: 'accepted', command_id: '', node_id: id, type: 'FORGET', source, detail: '' });
    return context.body(null, 204);
  });
};
