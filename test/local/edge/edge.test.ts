import { DescribeInstancesCommand, DescribeVpcsCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { GetSecretValueCommand, ListSecretsCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { DescribeInstanceInformationCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../local/edge/faults.ts';
import { type Bench, launchOne, openBench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const launch = async (): Promise<{ instanceId: string; arn: string }> => {
  const instanceId = await launchOne(bench);
  return { instanceId, arn: bench.edge.ec2.find(instanceId)?.arn ?? '' };
};

describe('what passes the edge', () => {
  it.each(['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'HEAD'])('%s goes to the emulator untouched', async (method) => {
    const body = ['PUT', 'POST', 'PATCH'].includes(method) ? 'x'.repeat(3_000_000) : undefined;

    const answer = await fetch(`${bench.edge.url}/bucket/key?list-type=2`, { method, ...(body && { body }) });

    expect(answer.headers.get('x-upstream')).toBe('yes');
    if (body !== undefined) expect((await answer.text()).length).toBe(body.length);
    expect(bench.upstream.seen).toEqual([`${method} /bucket/key?list-type=2 echo`]);
  });

  it('includes the actions of EC2 and SSM that the edge does not play', async () => {
    await bench.ec2.send(new DescribeVpcsCommand({})).catch(() => undefined);
    await bench.ssm.send(new PutParameterCommand({ Name: 'n', Value: 'v', Type: 'String' })).catch(() => undefined);

    expect(bench.upstream.seen).toEqual(['POST / DescribeVpcs', 'POST / PutParameter']);
  });

  it('answers 502 when the emulator is gone', async () => {
    await bench.upstream.close();

    expect((await fetch(`${bench.edge.url}/x`)).status).toBe(502);
  });

  it('listens on the loopback interface only', () => {
    expect(bench.edge.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9][0-9]*$/);
  });
});

describe('the credentials of a node', () => {
  const SECRET = 'catalyst-llm/nebula-w1';

  it('read and write the secret whose tags name them as its reader and writer', async () => {
    const { instanceId, arn } = await launch();
    bench.upstream.secrets.set(SECRET, { 'carrierarr:instance': arn, 'carrierarr:writer': arn });
    const secrets = bench.secretsAs(instanceId);

    await secrets.send(new GetSecretValueCommand({ SecretId: SECRET }));
    await secrets.send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: '{}' }));

    expect(bench.upstream.seen).toContain('POST / GetSecretValue');
    expect(bench.upstream.seen).toContain('POST / PutSecretValue');
  });

  it.each([
    ['not bound yet', { 'carrierarr:instance': 'unbound' }],
    ["another instance's", { 'carrierarr:instance': 'arn:aws:ec2:us-west-2:000000000000:instance/i-2' }],
    ['without the tag', {}],
    ['not there', undefined],
  ])('are refused a secret that is %s', async (_what, tags) => {
    const { instanceId } = await launch();
    if (tags !== undefined) bench.upstream.secrets.set(SECRET, tags);

    await expect(
      bench.secretsAs(instanceId).send(new GetSecretValueCommand({ SecretId: SECRET })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(bench.upstream.seen).not.toContain('POST / GetSecretValue');
  });

  it('who may read a secret may not write it, and the other way round', async () => {
    const { instanceId, arn } = await launch();
    const secrets = bench.secretsAs(instanceId);
    const denied = { name: 'AccessDeniedException' };

    bench.upstream.secrets.set(SECRET, { 'carrierarr:instance': arn });
    const written = secrets.send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: '{}' }));
    await expect(written).rejects.toMatchObject(denied);
    bench.upstream.secrets.set(SECRET, { 'carrierarr:writer': arn });
    const read = secrets.send(new GetSecretValueCommand({ SecretId: SECRET }));
    await expect(read).rejects.toMatchObject(denied);
  });

  it('are refused everything else', async () => {
    const { instanceId } = await launch();

    await expect(bench.secretsAs(instanceId).send(new ListSecretsCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  it('are worth nothing once the instance is terminated', async () => {
    const { instanceId, arn } = await launch();
    bench.upstream.secrets.set(SECRET, { 'carrierarr:instance': arn });
    await bench.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));

    await expect(
      bench.secretsAs(instanceId).send(new GetSecretValueCommand({ SecretId: SECRET })),
    ).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
  });
});

describe('faults', () => {
  const fault = (effect: FaultSpec['effect'], overrides: Partial<FaultSpec> = {}): FaultSpec => ({
    service: 'ec2',
    action: 'DescribeInstances',
    times: 1,
    after: 0,
    effect,
    ...overrides,
  });
  const describeInstances = () => bench.ec2.send(new DescribeInstancesCommand({}));

  it('strike as often as asked for, after as many calls as asked for', async () => {
    bench.inject(
      fault({ kind: 'error', code: 'RequestLimitExceeded', status: 503, message: 'slow down' }, { times: 2, after: 1 }),
    );
    const outcomes: string[] = [];

    for (let call = 0; call < 4; call += 1) {
      outcomes.push(
        await describeInstances().then(
          () => 'ok',
          (error: Error) => error.name,
        ),
      );
    }

    expect(outcomes).toEqual(['ok', 'RequestLimitExceeded', 'RequestLimitExceeded', 'ok']);
    expect(bench.edge.faults.list()).toMatchObject([{ struck: 2, spent: true }]);
  });

  it('speak the protocol of the service they strike', async () => {
    bench.inject(
      fault(
        { kind: 'error', code: 'ThrottlingException', status: 400, message: 'slow down' },
        { service: 'ssm', action: 'DescribeInstanceInformation' },
      ),
    );

    await expect(bench.ssm.send(new DescribeInstanceInformationCommand({}))).rejects.toMatchObject({
      name: 'ThrottlingException',
      message: 'slow down',
    });
  });

  it('strike only calls that contain the text', async () => {
    bench.inject(
      fault({ kind: 'error', code: 'Throttling', status: 400, message: '' }, { match: 'i-0123456789abcdef0' }),
    );

    await describeInstances();

    expect(bench.edge.faults.list()).toMatchObject([{ struck: 0 }]);
  });

  it('can lose the answer of a call that took effect', async () => {
    bench.inject(fault({ kind: 'lost-answer' }, { action: 'CreateFleet' }));

    await expect(launch()).rejects.toThrow();
    expect(bench.edge.ec2.all()).toHaveLength(1);
  });

  it('can hold an answer back', async () => {
    bench.inject(fault({ kind: 'delay', milliseconds: 120 }));
    const start = performance.now();

    await describeInstances();

    expect(performance.now() - start).toBeGreaterThan(110);
  });
});

describe("the edge's own interface", () => {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${bench.edge.url}/_edge/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, content: (await answer.json()) as unknown };
  };

  it('adds, shows and clears faults, with their defaults filled in', async () => {
    const effect = { kind: 'error', code: 'Throttling', status: 400 };
    const added = await call('POST', 'faults', { service: 'ec2', action: '*', effect });
    expect(added.content).toMatchObject([{ spec: { times: 1, after: 0 }, struck: 0, spent: false }]);

    await call('DELETE', 'faults');

    expect((await call('GET', 'faults')).content).toEqual([]);
  });

  it('refuses a fault it does not understand and says why', async () => {
    const refused = await call('POST', 'faults', { service: 'ec2', action: 'X', effect: { kind: 'explode' } });

    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.content)).toContain('kind');
  });

  it('counts calls and refusals by service and action', async () => {
    await bench.ec2.send(new DescribeInstancesCommand({}));
    await bench.ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-1'] })).catch(() => undefined);
    await fetch(`${bench.edge.url}/x`);

    expect((await call('GET', 'calls')).content).toEqual([
      { service: 'ec2', action: 'DescribeInstances', count: 2, refused: 1 },
      { service: 'unknown', action: 'GET /x', count: 1, refused: 0 },
    ]);
  });

  it('registers images and lists nodes', async () => {
    const image = await call('POST', 'images', { name: 'gpu', tags: { a: 'b' } });
    const { instanceId } = await launch();

    expect(image.content).toMatchObject({ name: 'gpu', imageId: expect.stringMatching(/^ami-[0-9a-f]{17}$/) });
    expect((await call('GET', 'nodes')).content).toMatchObject([{ instanceId, kind: 'played', ended: false }]);
  });

  it('refuses a document it cannot play and says what is wrong with it', async () => {
    const refused = await call('PUT', 'documents', { 'x-verify': { schemaVersion: '2.2', mainSteps: [] } });

    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.content)).toContain('x-verify');
  });

  it('names its routes to whoever asks for another', async () => {
    const answer = await call('GET', 'nothing');

    expect(answer.status).toBe(404);
    expect(JSON.stringify(answer.content)).toContain('GET /_edge/faults');
  });
});
