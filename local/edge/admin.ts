import * as z from 'zod';
import type { Ec2Model } from './ec2/model.ts';
import type { FaultBox } from './fault-box.ts';
import { FaultSpec } from './faults.ts';
import type { NodeFleet } from './node-fleet.ts';
import { AwsRefusal } from './protocol/refusal.ts';
import { jsonReply, type Reply } from './protocol/reply.ts';
import type { Recording } from './recording.ts';
import type { SsmModel } from './ssm/model.ts';

export interface AdminParts {
  readonly faults: FaultBox;
  readonly recording: Recording;
  readonly nodes: NodeFleet;
  readonly ec2: Ec2Model;
  readonly ssm: SsmModel;
}

const Documents = z.record(z.string(), z.unknown());
const NewImage = z.strictObject({
  name: z.string(),
  tags: z.record(z.string(), z.string()).default({}),
  /** How long ago it was made. */
  ageSeconds: z.number().min(0).default(0),
});
const Line = z.strictObject({ online: z.boolean() });

const NewInterruption = z.strictObject({
  /** An instance, or the worker whose instance it is. */
  instanceId: z.string().optional(),
  worker: z.string().optional(),
  kind: z.enum(['interruption', 'rebalance']).default('interruption'),
  /** From the notice until EC2 takes the instance; on AWS two minutes. */
  seconds: z.number().min(0).max(600).default(120),
});

type Route = (body: string) => unknown;

const routes = (parts: AdminParts): Readonly<Record<string, Route>> => ({
  'GET /_edge/health': () => ({ status: 'ok' }),
  'GET /_edge/faults': () => parts.faults.list(),
  'POST /_edge/faults': (body) => {
    const given: unknown = JSON.parse(body);
    parts.faults.add(z.array(FaultSpec).parse(Array.isArray(given) ? given : [given]));
    return parts.faults.list();
  },
  'DELETE /_edge/faults': () => parts.faults.clear(),
  'GET /_edge/calls': () => parts.recording.list(),
  'DELETE /_edge/calls': () => parts.recording.clear(),
  'GET /_edge/nodes': () => parts.nodes.list(),
  'POST /_edge/homelab': (body) => {
    parts.nodes.setHomelabOnline(Line.parse(JSON.parse(body)).online);
  },
  'POST /_edge/interruptions': (body) => {
    const {
      worker = '',
      instanceId = parts.nodes.instanceOf(worker),
      ...notice
    } = NewInterruption.parse(JSON.parse(body));
    parts.nodes.interrupt({ ...notice, instanceId: instanceId ?? `the instance of ${worker}` });
    return { instanceId };
  },
  'GET /_edge/documents': () => parts.ssm.documents().map(({ name, step }) => ({ name, step })),
  'PUT /_edge/documents': (body) => {
    for (const [name, content] of Object.entries(Documents.parse(JSON.parse(body))))
      parts.ssm.putDocument(name, content);
  },
  'POST /_edge/images': (body) => {
    const { name, tags, ageSeconds } = NewImage.parse(JSON.parse(body));
    const { accountId, now } = parts.ec2.settings;
    return parts.ec2.images.register({ name, tags, ownerId: accountId, now: now() - ageSeconds * 1000 });
  },
});

/** The edge's own interface, for whoever runs the embedded cloud: faults, records, documents, images. */
export const adminRouter = (parts: AdminParts) => {
  const table = routes(parts);
  return (method: string, path: string, body: string): Reply => {
    const route = table[`${method} ${path}`];
    if (route === undefined) {
      return jsonReply(404, { message: `no such route; there are: ${Object.keys(table).join(', ')}` });
    }
    try {
      return jsonReply(200, route(body) ?? null);
    } catch (error) {
      if (error instanceof z.ZodError) return jsonReply(400, { message: z.prettifyError(error) });
      if (error instanceof AwsRefusal || error instanceof SyntaxError)
        return jsonReply(400, { message: error.message });
      throw error;
    }
  };
};
