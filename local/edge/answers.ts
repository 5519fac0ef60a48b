import { randomUUID } from 'node:crypto';
import { Ec2Api } from './ec2/api.ts';
import type { Ec2Model } from './ec2/model.ts';
import type { FaultBox } from './fault-box.ts';
import type { NodeFleet } from './node-fleet.ts';
import { NodeGate } from './node-gate.ts';
import type { ApiCall } from './protocol/call.ts';
import { parseQuery } from './protocol/query.ts';
import { AwsRefusal } from './protocol/refusal.ts';
import { jsonReply, type Reply, refusalReply, xmlReply } from './protocol/reply.ts';
import { ec2Response } from './protocol/xml.ts';
import type { Sessions } from './rolesanywhere/sessions.ts';
import type { SignedRequest } from './rolesanywhere/signature.ts';
import { settleStack } from './settle-stack.ts';
import type { Activations } from './ssm/activations.ts';
import { SsmApi } from './ssm/api.ts';
import { HybridApi } from './ssm/hybrid-api.ts';
import type { SsmModel } from './ssm/model.ts';
import type { Upstream } from './upstream.ts';

interface Parts {
  readonly ec2: Ec2Model;
  readonly ssm: SsmModel;
  readonly activations: Activations;
  readonly nodes: NodeFleet;
  readonly faults: FaultBox;
  readonly sessions: Sessions;
}

/** A machine outside EC2 is known to Systems Manager only. */
const arnOf = ({ ec2, ssm }: Parts, instanceId: string): string | undefined => {
  const instance = ec2.find(instanceId);
  if (instance === undefined) return ssm.instance(instanceId)?.arn;
  return instance.terminatedAt === undefined ? instance.arn : undefined;
};

/** Decides which calls the edge answers itself, and answers them. */
export class Answers {
  readonly #ec2: Ec2Api;
  readonly #ssm: SsmApi;
  readonly #hybrid: HybridApi;
  readonly #gate: NodeGate;
  readonly #faults: FaultBox;
  readonly #upstream: Upstream;
  readonly #sessions: Sessions;

  constructor(parts: Parts, upstream: Upstream, instanceOf: (accessKeyId: string) => string | undefined) {
    this.#faults = parts.faults;
    this.#sessions = parts.sessions;
    this.#upstream = upstream;
    this.#ec2 = new Ec2Api(parts.ec2, upstream, parts.nodes);
    this.#ssm = new SsmApi(parts.ssm, parts.nodes);
    this.#hybrid = new HybridApi({
      model: parts.ssm,
      activations: parts.activations,
      deregistered: (instanceId) => parts.nodes.retire(instanceId),
    });
    this.#gate = new NodeGate({
      instanceOf,
      arnOf: (instanceId) => arnOf(parts, instanceId),
      secretTags: (secretId) => upstream.secretTags(secretId),
    });
  }

  /** The answer, or undefined: this call is the emulator's. */
  async answer(call: ApiCall, request: SignedRequest): Promise<Reply | undefined> {
    const { body } = request;
    try {
      if (call.service === 'rolesanywhere') return this.#sessions.create(call, request);
      this.#sessions.check(call, body);
      await this.#gate.check(call, body);
      if (call.service === 'ec2') return await this.#answerEc2(call, body);
      if (call.service === 'ssm') return this.#answerSsm(call, body);
      if (call.service === 'cloudformation' && call.action === 'DescribeStacks')
        await settleStack(body, this.#upstream);
      return undefined;
    } catch (error) {
      if (error instanceof AwsRefusal) return refusalReply(call, error);
      throw error;
    }
  }

  #answerSsm({ action }: ApiCall, body: string): Reply | undefined {
    if (this.#ssm.answers(action)) return jsonReply(200, this.#ssm.handle(action, JSON.parse(body)));
    const input: unknown = body === '' ? {} : JSON.parse(body);
    return this.#hybrid.answers(action, input) ? jsonReply(200, this.#hybrid.handle(action, input)) : undefined;
  }

  async #answerEc2(call: ApiCall, body: string): Promise<Reply | undefined> {
    const { Action: _action, Version: _version, ...parameters } = parseQuery(body);
    if (!this.#ec2.answers(call.action, parameters)) return undefined;
    const faults = this.#faults.strike({ service: 'ec2', action: call.action, body }, ['fleet-error']);
    const content = await this.#ec2.handle(call.action, parameters, faults);
    return xmlReply(200, ec2Response(call.action, randomUUID(), content));
  }
}
