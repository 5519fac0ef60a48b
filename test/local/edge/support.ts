import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { CreateFleetCommand, type CreateFleetCommandInput, EC2Client } from '@aws-sdk/client-ec2';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SSMClient } from '@aws-sdk/client-ssm';
import { Edge } from '../../../local/edge/edge.ts';
import type { FaultSpec } from '../../../local/edge/faults.ts';
import { ec2Error, ec2Response, type XmlValue } from '../../../local/edge/protocol/xml.ts';
import type {
  HomelabNodeSpec,
  NodeCommand,
  NodeCommandResult,
  NodeHost,
  NodeSpec,
  RunningNode,
} from '../../../local/node/host.ts';

export const REGION = 'us-west-2';

const templateData = (overrides: Record<string, XmlValue>): XmlValue => ({
  imageId: 'resolve:ssm:/carrierarr/ami/gpu-worker',
  userData: Buffer.from('CARRIERARR_ROLE=gpu-worker').toString('base64'),
  metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1, instanceMetadataTags: 'enabled' },
  blockDeviceMappingSet: [
    { deviceName: '/dev/xvda', ebs: { volumeSize: 30, encrypted: true, deleteOnTermination: true } },
  ],
  tagSpecificationSet: [{ resourceType: 'instance', tagSet: [{ key: 'carrierarr:role', value: 'gpu-worker' }] }],
  ...overrides,
});

/** The emulator behind the edge, as far as the edge asks it; anything else is echoed. */
export class FakeUpstream {
  readonly seen: string[] = [];
  readonly parameters = new Map<string, string>();
  readonly secrets = new Map<string, Record<string, string>>();
  /** What further actions are answered with, by the action. */
  readonly answers = new Map<
    string,
    Record<string, unknown> | ((input: Record<string, unknown>) => Record<string, unknown>)
  >();
  template: Record<string, XmlValue> = {};
  readonly #server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const reply = this.#answer(request.headers['x-amz-target']?.toString() ?? '', body.toString('utf8'));
      this.seen.push(`${request.method} ${request.url} ${reply.name}`);
      response.writeHead(reply.status, { 'content-type': 'text/plain', 'x-upstream': 'yes' });
      response.end(reply.body);
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(target: string, body: string): { name: string; status: number; body: string } {
    const form = new URLSearchParams(body);
    const action = form.get('Action') ?? target.split('.')[1] ?? 'echo';
    const ok = (content: XmlValue) => ({ name: action, status: 200, body: ec2Response(action, 'r', content) });
    if (action === 'DescribeLaunchTemplateVersions') {
      if (form.get('LaunchTemplateId') !== 'lt-1') {
        return { name: action, status: 400, body: ec2Error('InvalidLaunchTemplateId.NotFoundException', 'no', 'r') };
      }
      const version = { launchTemplateId: 'lt-1', versionNumber: 3, launchTemplateData: templateData(this.template) };
      return ok({ launchTemplateVersionSet: [version] });
    }
    if (action === 'DescribeSubnets') {
      const subnetId = form.get('SubnetId.1') ?? '';
      const zone = `${REGION}${subnetId.at(-1)}`;
      return ok({ subnetSet: [{ subnetId, vpcId: 'vpc-1', availabilityZone: zone, cidrBlock: '10.1.0.0/24' }] });
    }
    if (action === 'GetParameter') return this.#json(action, this.#parameter(JSON.parse(body).Name));
    if (action === 'DescribeSecret') return this.#json(action, this.#secret(JSON.parse(body).SecretId));
    const answer = this.answers.get(action);
    if (answer !== undefined) {
      return this.#json(action, typeof answer === 'function' ? answer(JSON.parse(body)) : answer);
    }
    return { name: action, status: 200, body: body === '' ? 'nothing' : body };
  }

  #json(name: string, content: Record<string, unknown>): { name: string; status: number; body: string } {
    return { name, status: '__type' in content ? 400 : 200, body: JSON.stringify(content) };
  }

  #parameter(name: string): Record<string, unknown> {
    const value = this.parameters.get(name);
    return value === undefined ? { __type: 'ParameterNotFound' } : { Parameter: { Name: name, Value: value } };
  }

  #secret(id: string): Record<string, unknown> {
    const tags = this.secrets.get(id);
    if (tags === undefined) return { __type: 'ResourceNotFoundException' };
    return { Name: id, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  }
}

/** A node that registers at once and answers each command as its test says. */
export class StubHost implements NodeHost {
  readonly kind = 'played';
  readonly reason = 'a test';
  readonly started: NodeSpec[] = [];
  readonly stopped: string[] = [];
  readonly commands: NodeCommand[] = [];
  result: NodeCommandResult = { status: 'Success', exitCode: 0, stdout: '{"ok":true}', stderr: '' };
  /** When set, no machine starts. */
  broken = false;
  /** When set, a command runs until it is cancelled. */
  hangs = false;

  #released = Promise.withResolvers<void>();

  /** Ends the commands that hang, well. */
  release(): void {
    this.#released.resolve();
  }

  async start(spec: NodeSpec): Promise<RunningNode> {
    if (this.broken) throw new Error('no machine to be had');
    this.started.push(spec);
    return this.#node(spec.instanceId);
  }

  async startHomelab({ node }: { readonly node: HomelabNodeSpec }): Promise<RunningNode> {
    return this.#node(node.instanceId);
  }

  #node(instanceId: string): RunningNode {
    const cancelled = Promise.withResolvers<NodeCommandResult>();
    return {
      registered: Promise.resolve(),
      run: async (command) => {
        this.commands.push(command);
        if (!this.hangs) return this.result;
        return await Promise.race([cancelled.promise, this.#released.promise.then(() => this.result)]);
      },
      cancel: async () => cancelled.resolve({ status: 'Cancelled', exitCode: -1, stdout: '', stderr: '' }),
      stop: async () => {
        this.stopped.push(instanceId);
        cancelled.resolve({ status: 'Failed', exitCode: 1, stdout: '', stderr: '' });
      },
    };
  }

  async close(): Promise<void> {}
}

export interface Bench {
  readonly edge: Edge;
  readonly upstream: FakeUpstream;
  readonly host: StubHost;
  readonly imageId: string;
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
  /** A Secrets Manager client with the credentials of a node. */
  secretsAs(instanceId: string): SecretsManagerClient;
  inject(fault: FaultSpec): void;
  close(): Promise<void>;
}

/** Prefix of the key ids that stand for a node's role here. */
const NODE_KEY = 'ASIATEST';

/** An edge with short times in front of a fake emulator, and real SDK clients in front of the edge. */
export const openBench = async (
  times = { pendingMs: 20, shuttingDownMs: 40, invisibleMs: 0 },
  invocationDelayMs = 0,
): Promise<Bench> => {
  const upstream = new FakeUpstream();
  const host = new StubHost();
  const edge = new Edge({
    upstream: await upstream.listen(),
    region: REGION,
    accountId: '000000000000',
    host,
    instanceOf: (key) => (key.startsWith(NODE_KEY) ? key.slice(NODE_KEY.length) : undefined),
    directory: '/nonexistent',
    times,
    invocationDelayMs,
    log: () => undefined,
  });
  await edge.listen();
  const image = edge.ec2.images.register({ name: 'base', ownerId: '000000000000', tags: {}, now: Date.now() });
  upstream.parameters.set('/carrierarr/ami/gpu-worker', image.imageId);
  const client = (accessKeyId: string) => ({
    endpoint: edge.url,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    edge,
    upstream,
    host,
    imageId: image.imageId,
    ec2: new EC2Client(client('test')),
    ssm: new SSMClient(client('test')),
    secretsAs: (instanceId) => new SecretsManagerClient(client(`${NODE_KEY}${instanceId}`)),
    inject: (fault) => edge.faults.add([fault]),
    close: async () => {
      await edge.close();
      await upstream.close();
    },
  };
};

/** Launches one machine and names it; an empty string where none came of it. */
export const launchOne = async (
  { ec2 }: Pick<Bench, 'ec2'>,
  overrides: Partial<CreateFleetCommandInput> = {},
): Promise<string> => {
  const result = await ec2.send(
    new CreateFleetCommand({
      Type: 'instant',
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '1' },
          Overrides: [{ InstanceType: 't3.small', SubnetId: 'subnet-a' }],
        },
      ],
      TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'on-demand' },
      ...overrides,
    }),
  );
  return result.Instances?.[0]?.InstanceIds?.[0] ?? '';
};
