import { execFileSync } from 'node:child_process';
import {
  CreateActivationCommand,
  DeleteActivationCommand,
  DeregisterManagedInstanceCommand,
  DescribeActivationsCommand,
  DescribeInstanceInformationCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { mockClient } from '../../support/mock-client.ts';
import { aWorker, NOW } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const ssm = mockClient(SSMClient);
const NODE = 'mi-0123456789abcdef0';
const TAGS = [
  { Key: 'carrierarr:fleet', Value: 'carrierarr' },
  { Key: 'carrierarr:role', Value: 'homelab' },
];
const OPEN = { ActivationId: 'a-open', Tags: TAGS, RegistrationsCount: 0, RegistrationLimit: 1 };

let fleet: DeployedFleet;
beforeEach(async () => {
  ssm.reset();
  fleet = await deployedFleet();
  nodes();
  activations();
  ssm.on(CreateActivationCommand).resolves({ ActivationId: 'a-new', ActivationCode: 'c0deC0de' });
});
afterEach(() => fleet.close());

const nodes = (...list: { InstanceId: string; PingStatus: 'Online' | 'ConnectionLost'; AgentVersion?: string }[]) =>
  ssm.on(DescribeInstanceInformationCommand).resolves({ InstanceInformationList: list });
const activations = (...list: object[]) => ssm.on(DescribeActivationsCommand).resolves({ ActivationList: list });

describe('homelab activate', () => {
  it('makes an activation for one machine that carries the tags by which the fleet finds it', async () => {
    const { code } = await fleet.run('homelab activate');

    expect(code).toBe(0);
    expect(ssm.commandCalls(CreateActivationCommand)[0]?.args[0].input).toMatchObject({
      IamRole: 'carrierarr-homelab-us-west-2',
      RegistrationLimit: 1,
      ExpirationDate: new Date(NOW.getTime() + 24 * 3_600_000),
      Tags: TAGS,
    });
  });

  it('prints nothing but one shell command, the code not among its arguments', async () => {
    const { out } = await fleet.run('homelab activate');
    const stub = 'kubectl() { echo "kubectl $*"; [[ $* == *"-f -"* ]] && cat; return 0; }';

    const ran = execFileSync('bash', ['-euc', `${stub}\n${out}`], { encoding: 'utf8' });
    const calls = ran.split('\n').filter((line) => line.startsWith('kubectl '));
    const [secret] = parseAllDocuments(ran.replaceAll(/^kubectl .*$/gm, ''));

    expect(calls).toEqual([
      'kubectl apply -k homelab/',
      'kubectl apply -f -',
      'kubectl -n carrierarr-ssm rollout restart statefulset/ssm-node',
    ]);
    expect(secret?.toJS()).toMatchObject({
      metadata: { name: 'ssm-activation', namespace: 'carrierarr-ssm' },
      stringData: { id: 'a-new', code: 'c0deC0de', region: 'us-west-2' },
    });
  });

  it('says beside it what the code is, until when, and that nothing is promised of the price', async () => {
    const { err } = await fleet.run('homelab activate --expires 2');

    expect(err).toContain('The code is a credential');
    expect(err).toContain(new Date(NOW.getTime() + 2 * 3_600_000).toISOString());
    expect(err).toContain('nothing is promised');
    expect(err).toContain('acts in your cluster');
    expect(err).not.toContain('c0deC0de');
  });

  it('prints the line for a machine with a shell', async () => {
    const { out } = await fleet.run('homelab activate --shell');

    expect(out).toContain("amazon-ssm-agent -register -y -code 'c0deC0de' -id 'a-new' -region 'us-west-2'");
    expect(out).not.toContain('kubectl');
  });

  it('answers machines in one document', async () => {
    const { out, err } = await fleet.run('homelab activate --json');

    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({
      activationId: 'a-new',
      activationCode: 'c0deC0de',
      role: 'carrierarr-homelab-us-west-2',
      region: 'us-west-2',
      command: expect.stringContaining('kubectl apply -k homelab/'),
      shellCommand: expect.stringContaining('-register'),
    });
  });

  it.each(['0', '721', '1.5', '-1', 'day'])('refuses --expires %s', async (hours) => {
    const { code, err } = await fleet.run(['homelab', 'activate', `--expires=${hours}`]);

    expect(code).toBe(2);
    expect(err).toContain('1 to 720');
    expect(ssm.calls()).toHaveLength(0);
  });

  it.each([
    ['a node is online', () => nodes({ InstanceId: NODE, PingStatus: 'Online' }), NODE],
    ['an activation is still open', () => activations(OPEN), 'a-open'],
  ])('refuses while %s', async (_, arrange, got) => {
    arrange();

    const { code, err } = await fleet.run('homelab activate');

    expect(code).toBe(4);
    expect(err).toContain(got);
    expect(err).toContain('--replace');
    expect(ssm.commandCalls(CreateActivationCommand)).toHaveLength(0);
  });

  it('takes the old ones away first with --replace', async () => {
    nodes({ InstanceId: NODE, PingStatus: 'Online' });
    activations(OPEN);

    const { code } = await fleet.run('homelab activate --replace');

    expect(code).toBe(0);
    expect(ssm.calls().map(({ args }) => args[0].constructor.name)).toEqual([
      'DescribeActivationsCommand',
      'DeleteActivationCommand',
      'DescribeInstanceInformationCommand',
      'DeregisterManagedInstanceCommand',
      'CreateActivationCommand',
    ]);
  });

  it.each([
    ['used up', { ...OPEN, RegistrationsCount: 1 }],
    ['expired', { ...OPEN, Expired: true }],
    ["another fleet's", { ...OPEN, Tags: [{ Key: 'carrierarr:fleet', Value: 'other' }, TAGS[1]] }],
  ])('does not mind an activation that is %s', async (_, activation) => {
    activations(activation);

    expect((await fleet.run('homelab activate')).code).toBe(0);
  });
});

describe('homelab status', () => {
  it('asks for the nodes of this fleet only', async () => {
    await fleet.run('homelab status');

    expect(ssm.commandCalls(DescribeInstanceInformationCommand)[0]?.args[0].input.Filters).toEqual([
      { Key: 'tag:carrierarr:fleet', Values: ['carrierarr'] },
      { Key: 'tag:carrierarr:role', Values: ['homelab'] },
      { Key: 'ResourceType', Values: ['ManagedInstance'] },
    ]);
  });

  it('shows nodes, the one that answers first, and what is still open', async () => {
    nodes(
      { InstanceId: 'mi-0000', PingStatus: 'ConnectionLost', AgentVersion: '3.3.1.0' },
      { InstanceId: NODE, PingStatus: 'Online', AgentVersion: '3.3.2746.0' },
    );
    activations(OPEN);

    const { out } = await fleet.run('homelab status');

    expect(out).toMatch(new RegExp(`${NODE} +Online +3.3.2746.0[^]*mi-0000 +ConnectionLost +3.3.1.0 \\(too old\\)`));
    expect(out).toContain('open activation a-open');
  });

  it('says how to begin', async () => {
    expect((await fleet.run('homelab status')).out).toContain('carrierarr homelab activate');
    expect(JSON.parse((await fleet.run('homelab status --json')).out)).toEqual({ nodes: [], activations: [] });
  });
});

describe('homelab deactivate', () => {
  beforeEach(() => {
    nodes({ InstanceId: NODE, PingStatus: 'Online' });
    activations(OPEN);
    fleet.api.answer('GET /workers', { status: 200, body: { workers: [] } });
  });

  it('deletes activations, then deregisters nodes', async () => {
    const { code, out } = await fleet.run('homelab deactivate', { answer: 'y' });

    expect(code).toBe(0);
    expect(out).toContain(`deregistered ${NODE}`);
    expect(ssm.commandCalls(DeleteActivationCommand)[0]?.args[0].input).toEqual({ ActivationId: 'a-open' });
    expect(ssm.commandCalls(DeregisterManagedInstanceCommand)[0]?.args[0].input).toEqual({ InstanceId: NODE });
  });

  it('says in its question which peerings could not be taken back any more', async () => {
    const workers = [
      aWorker({ name: 'aws-lighthouse', role: 'lighthouse' }),
      aWorker({ name: 'old', role: 'lighthouse', phase: 'REMOVED' }),
      aWorker({ name: 'gpu-1' }),
    ];
    fleet.api.answer('GET /workers', { status: 200, body: { workers } });

    const { questions } = await fleet.run('homelab deactivate', { answer: 'n' });

    expect(questions[0]).toContain('the peering of aws-lighthouse cannot be taken back');
  });

  it('does nothing when the answer is not yes, or nobody can be asked', async () => {
    expect((await fleet.run('homelab deactivate', { answer: 'n' })).code).toBe(2);
    expect((await fleet.run('homelab deactivate')).err).toContain('add --yes');
    expect(ssm.calls()).toHaveLength(0);
  });

  it('does not ask with --yes', async () => {
    const { code, out } = await fleet.run('homelab deactivate --yes --json');

    expect(code).toBe(0);
    expect(parse(out)).toEqual({ deregistered: [NODE], deletedActivations: ['a-open'] });
  });
});
