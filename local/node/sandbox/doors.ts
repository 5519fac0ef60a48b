import { passToAws } from '../aws-door.ts';
import type { NodeSpec } from '../host.ts';
import { createMetadataService } from '../imds.ts';
import type { DoorQuestion, DoorReply } from './cell-node.ts';

/** What answers at the two doors of an instance: its metadata service and AWS. */
export const doorsOf = (spec: NodeSpec): ((question: DoorQuestion) => Promise<DoorReply>) => {
  const metadata = createMetadataService(spec);
  return async ({ door, method, path, headers, body }) => {
    if (door === 'imds') {
      const named = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
      const answer = metadata({ method, path, headers: named });
      return {
        status: answer.status,
        headers: Object.entries(answer.headers ?? {}),
        body: Buffer.from(answer.body).toString('base64'),
      };
    }
    const answer = await passToAws(spec.awsEndpoint, { method, path, headers, body: Buffer.from(body, 'base64') });
    return { ...answer, body: answer.body.toString('base64') };
  };
};
