import * as z from 'zod';
import { TAG } from '#contract';
import type { ApiCall } from './protocol/call.ts';
import { AwsRefusal } from './protocol/refusal.ts';

/** What the gate must know from outside. */
export interface NodeGateSources {
  /** The node whose role a key id belongs to, undefined for anybody else's key. */
  instanceOf(accessKeyId: string): string | undefined;
  /** ARN of a node by its id, undefined once it is gone. */
  arnOf(instanceId: string): string | undefined;
  /** Tags of a secret, undefined if there is no such secret. */
  secretTags(secretId: string): Promise<Readonly<Record<string, string>> | undefined>;
}

const SecretRequest = z.object({ SecretId: z.string() });

/** The tag of a secret that must name whoever does this to it. */
const BOUND_BY: Readonly<Record<string, string>> = { GetSecretValue: TAG.instance, PutSecretValue: TAG.writer };

/**
 * Enforces what the roles of nodes allow, as IAM does on AWS: a secret only where its tags name the node that asks as
 * its reader or writer, and nothing else.
 */
export class NodeGate {
  readonly #sources: NodeGateSources;

  constructor(sources: NodeGateSources) {
    this.#sources = sources;
  }

  /** @throws AwsRefusal AccessDeniedException, UnrecognizedClientException once the node is gone */
  async check(call: ApiCall, body: string): Promise<void> {
    const instanceId = this.#sources.instanceOf(call.accessKeyId);
    if (instanceId === undefined) return;
    const arn = this.#sources.arnOf(instanceId);
    if (arn === undefined) {
      throw new AwsRefusal('UnrecognizedClientException', 'The security token included in the request is invalid');
    }
    const denied = new AwsRefusal(
      'AccessDeniedException',
      `User: ${arn} is not authorized to perform: ${call.service}:${call.action}`,
    );
    const bond = BOUND_BY[call.action];
    if (call.service !== 'secretsmanager' || bond === undefined) throw denied;
    const request = SecretRequest.safeParse(JSON.parse(body));
    if (!request.success) throw new AwsRefusal('ValidationException', 'SecretId is missing');
    const tags = await this.#sources.secretTags(request.data.SecretId);
    if (tags?.[bond] !== arn) throw denied;
  }
}
