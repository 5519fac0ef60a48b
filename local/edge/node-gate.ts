import * as z from 'zod';
import { TAG } from '#contract';
import type { Ec2Model } from './ec2/model.ts';
import type { ApiCall } from './protocol/call.ts';
import { AwsRefusal } from './protocol/refusal.ts';

/** What the gate must know from outside. */
export interface NodeGateSources {
  /** The instance whose role a key id belongs to, undefined for anybody else's key. */
  instanceOf(accessKeyId: string): string | undefined;
  /** Tags of a secret, undefined if there is no such secret. */
  secretTags(secretId: string): Promise<Readonly<Record<string, string>> | undefined>;
}

const SecretRequest = z.object({ SecretId: z.string() });
const BOUND_ACTIONS = ['GetSecretValue', 'PutSecretValue'];

/**
 * Enforces what the role of a worker allows, as IAM does on AWS: a secret only where its tag names the instance that
 * asks, and nothing else.
 */
export class NodeGate {
  readonly #ec2: Ec2Model;
  readonly #sources: NodeGateSources;

  constructor(ec2: Ec2Model, sources: NodeGateSources) {
    this.#ec2 = ec2;
    this.#sources = sources;
  }

  isNode(call: ApiCall): boolean {
    return this.#sources.instanceOf(call.accessKeyId) !== undefined;
  }

  /** @throws AwsRefusal AccessDeniedException, UnrecognizedClientException once the instance is gone */
  async check(call: ApiCall, body: string): Promise<void> {
    const instanceId = this.#sources.instanceOf(call.accessKeyId);
    if (instanceId === undefined) return;
    const instance = this.#ec2.find(instanceId);
    if (instance === undefined || instance.terminatedAt !== undefined) {
      throw new AwsRefusal('UnrecognizedClientException', 'The security token included in the request is invalid');
    }
    const denied = new AwsRefusal(
      'AccessDeniedException',
      `User: ${instance.arn} is not authorized to perform: ${call.service}:${call.action}`,
    );
    if (call.service !== 'secretsmanager' || !BOUND_ACTIONS.includes(call.action)) throw denied;
    const request = SecretRequest.safeParse(JSON.parse(body));
    if (!request.success) throw new AwsRefusal('ValidationException', 'SecretId is missing');
    const tags = await this.#sources.secretTags(request.data.SecretId);
    if (tags?.[TAG.instance] !== instance.arn) throw denied;
  }
}
