import { rmSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { awsError } from '../../ssm/fake-instance.ts';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { type Clusters, CONSUMER, PEER, PROVIDER, readyToPeer, SECRET, type Side, twoLiqos, USER } from './support.ts';

const callsOf = async (side: Side, verb: string): Promise<string[]> =>
  (await side.calls()).filter((call) => call.startsWith(`${verb} `));

const skip = sandboxObstacle !== undefined;

// Each part has one world, through which its tests go in turn.
describe.skipIf(skip)('a credential to peer with', () => {
  let clusters: Clusters;
  beforeAll(async () => {
    clusters = await twoLiqos();
  });

  it('says so where the secret holds nothing yet, or is not there', async () => {
    const { home, cloud } = clusters;

    cloud.secret = [awsError('ResourceNotFoundException')];
    const absent = await home.step('homelab-peer', PEER);
    cloud.written.push({ id: SECRET, text: '{}', token: 'x' });
    const empty = await home.step('homelab-peer', PEER);
    cloud.written.length = 0;

    expect(absent.verdict.reason).toMatch(/^secret \S+ was not readable within 30 s: 400 ResourceNotFoundException$/);
    expect(empty.verdict.reason).toContain('holds no usable credential: it is no kubeconfig with one cluster');
  });

  it('puts the credential into its secret, and nowhere else', async () => {
    const { aws, cloud } = clusters;

    const { code, verdict, stdout, stderr } = await aws.step('make-peering-user', USER);

    expect(verdict).toMatchObject({ ok: true, consumer: CONSUMER, server: 'https://10.100.2.1:6443' });
    expect(code).toBe(0);
    const [written] = cloud.written;
    expect(written).toMatchObject({ id: SECRET, token: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const token = /token: (\S+)/.exec(written?.text ?? '')?.[1] ?? '';
    expect(token).toMatch(/^peer-.{20}/);
    expect(stdout + stderr + (await aws.seen())).not.toContain(token);
    expect(await aws.node.shell('ls -d /run/carrierarr-handover.* 2>/dev/null || true')).toBe('');
  });

  it('can be repeated: the earlier user goes first', async () => {
    const { aws, cloud } = clusters;

    const { verdict } = await aws.step('make-peering-user', USER);

    expect(verdict.ok).toBe(true);
    expect(cloud.written).toHaveLength(2);
    expect(cloud.written[0]?.text).not.toBe(cloud.written[1]?.text);
  });

  it('waits for a secret that is only just being bound', async () => {
    const { aws, cloud } = clusters;
    cloud.refusals = [awsError('AccessDeniedException'), awsError('ThrottlingException')];

    const { verdict } = await aws.step('make-peering-user', USER);

    expect(verdict.ok).toBe(true);
  });

  it('says what Secrets Manager says when that will not change', async () => {
    const { aws, cloud } = clusters;
    cloud.refusals = [awsError('InvalidParameterException')];

    const { code, verdict } = await aws.step('make-peering-user', USER);

    expect(code).toBe(1);
    expect(verdict.reason).toBe(`secret ${SECRET} cannot be written: 400 InvalidParameterException`);
  });

  it('names what gives the rights where the homelab forbids making users', async () => {
    const { home, cloud } = clusters;
    const before = cloud.written.length;
    home.api.knob('deny', 'create certificatesigningrequests.certificates.k8s.io\n');

    const { code, verdict } = await home.step('homelab-make-peering-user', { ...USER, ConsumerClusterId: PROVIDER });
    home.api.forget('deny');

    expect(code).toBe(1);
    expect(verdict.reason).toMatch(/[Ff]orbidden.*kubectl apply -k homelab\/provider at home/);
    expect(cloud.written).toHaveLength(before);
  });

  it('comes from the homelab too, with the credentials that the agent keeps there', async () => {
    const { home, cloud } = clusters;
    const before = cloud.written.length;

    const { verdict } = await home.step('homelab-make-peering-user', { ...USER, ConsumerClusterId: PROVIDER });

    expect(verdict).toMatchObject({ ok: true, consumer: PROVIDER });
    expect(cloud.written).toHaveLength(before + 1);
    const keys = (await home.seen()) + JSON.stringify(verdict);
    expect(keys).not.toMatch(/wJalrXUtnFEMI|session\/\//);
  });

  it('is taken back, also where there is none', async () => {
    const { aws } = clusters;

    const first = await aws.step('delete-peering-user', { ConsumerClusterId: CONSUMER });
    const second = await aws.step('delete-peering-user', { ConsumerClusterId: CONSUMER });

    expect([first.verdict.ok, second.verdict.ok]).toEqual([true, true]);
    expect(await aws.names('certificatesigningrequests')).toEqual([]);
  });

  it('hands on nothing that is no kubeconfig', async () => {
    const { aws, cloud } = clusters;
    const before = cloud.written.length;
    await aws.node.stub('liqoctl', 'echo "Usage: liqoctl generate"');

    const { verdict } = await aws.step('make-peering-user', USER);

    expect(verdict.reason).toContain('cannot be used: it is no kubeconfig with one cluster');
    expect(cloud.written).toHaveLength(before);
  });
});

describe.skipIf(skip)('homelab-peer, where it is not easy', () => {
  let clusters: Clusters;
  beforeAll(async () => {
    clusters = await readyToPeer();
  });

  it('stops at a door that is shut, and names it', async () => {
    const { home, wires } = clusters;
    writeFileSync(`${wires}/door.down`, '');
    await home.settle('get --raw /livez');

    const { code, verdict } = await home.step('homelab-peer', PEER);
    await home.unsettle();
    rmSync(`${wires}/door.down`);

    expect(code).toBe(1);
    expect(verdict.reason).toMatch(/^the mesh door http:\/\/mesh-door\S+ does not answer: .*was refused/);
    expect(await callsOf(home, 'peer')).toEqual([]);
  });

  it('tells a dark worker from a shut door', async () => {
    const { aws, home } = clusters;
    await aws.api.stop();
    await home.settle('get --raw /livez');

    const { verdict } = await home.step('homelab-peer', PEER);
    await home.unsettle();
    await aws.api.start();

    expect(verdict.reason).toMatch(/API server at https:\/\/10\.100\.2\.1:6443 does not answer behind the mesh door/);
  });

  it('has no way without the door', async () => {
    const { home } = clusters;
    await home.settle('get --raw /livez');

    const { verdict } = await home.step('homelab-peer', { ...PEER, ProxyUrl: '' });
    await home.unsettle();

    expect(verdict.reason).toMatch(/API server at \S+ does not answer: .*no route to host/);
  });

  it('does not try again what this liqoctl does not know', async () => {
    const { home } = clusters;
    await home.knob('liqoctl.peer.fail', 'Error: unknown flag: --proxy-url\n');

    const { verdict } = await home.step('homelab-peer', PEER);
    await home.forget('liqoctl.peer.fail');

    expect(verdict.reason).toContain('attempt 1');
    expect(verdict.reason).toContain('unknown flag: --proxy-url');
  });

  it('is not content with the exit code: the tunnel is in error', async () => {
    const { home } = clusters;
    await home.knob('liqoctl.unhealthy', 'networking');

    const { code, verdict } = await home.step('homelab-peer', PEER);
    await home.forget('liqoctl.unhealthy');

    expect(code).toBe(1);
    expect(verdict.reason).toContain(`the peering with ${PROVIDER} stands but is not healthy`);
    expect(verdict.reason).toContain('NetworkConnectionStatus is Error');
    expect(verdict.faults).toContainEqual({
      what: 'networking: NetworkConnectionStatus is Error: The network connection with the foreign cluster is in error',
    });
  });

  it('asks again where something else is asked for, and tries again over a failure that passes', async () => {
    const { home } = clusters;
    await home.node.stub(
      'liqoctl',
      `printf '%s ' "$@" >>/run/calls; echo >>/run/calls
if [[ $1 == peer && ! -e /run/failed ]]; then touch /run/failed; echo ' ERRO  no route to host' >&2; exit 1; fi
exec "$(type -aP liqoctl | sed -n 2p)" "$@"`,
    );

    const { verdict } = await home.step('homelab-peer', { ...PEER, Resources: 'nvidia.com/gpu=2' });

    expect(verdict).toMatchObject({ ok: true, change: 'peer', attempts: 2 });
    expect(await home.get('node', PROVIDER)).toMatchObject({ status: { capacity: { 'nvidia.com/gpu': '2' } } });
  });

  it('reads coloured output like any other', async () => {
    const { home } = clusters;
    await home.knob('colour');

    const { verdict } = await home.step('homelab-peer', { ...PEER, Resources: 'nvidia.com/gpu=3', Namespaces: 'llm' });

    expect(verdict).toMatchObject({ ok: true, change: 'peer' });
  });
});

describe.skipIf(skip)('homelab-peer', () => {
  let clusters: Clusters;
  beforeAll(async () => {
    clusters = await readyToPeer();
  });

  it('peers through the mesh door and has the GPU in the virtual node', async () => {
    const { home, cloud } = clusters;

    const { code, verdict, stdout, stderr } = await home.step('homelab-peer', { ...PEER, Namespaces: 'llm,batch' });

    expect(verdict).toMatchObject({ ok: true, change: 'peer', attempts: 1, offloaded: 'llm,batch' });
    expect(code).toBe(0);
    expect(await home.get('node', PROVIDER)).toMatchObject({ status: { capacity: { 'nvidia.com/gpu': '1' } } });
    const [call = ''] = await callsOf(home, 'peer');
    expect(call).toContain(`--proxy-url ${PEER.ProxyUrl} --gw-server-service-location Provider`);
    expect(call).toContain('--gw-server-service-nodeport 32380 --mtu 1140 ');
    expect(call).toContain('--gw-client-address 203.0.113.10 --gw-client-port 32380 ');
    expect(call).toContain('--resource nvidia.com/gpu=1 ');
    const token = /token: (\S+)/.exec(cloud.written[0]?.text ?? '')?.[1] ?? 'none';
    expect(stdout + stderr + (await home.seen())).not.toContain(token);
    expect(await home.node.shell('ls -d /run/carrierarr-handover.* 2>/dev/null || true')).toBe('');
  });

  it('offloads namespaces under their own names', async () => {
    const { aws, home } = clusters;

    expect(await home.get('namespaceoffloadings', 'offloading', '-n', 'llm')).toMatchObject({
      spec: { namespaceMappingStrategy: 'EnforceSameName', podOffloadingStrategy: 'LocalAndRemote' },
    });
    expect(await aws.names('namespaces')).toContain('llm');
  });

  it('does nothing where the peering stands already', async () => {
    const { home, cloud } = clusters;
    const before = cloud.asked.length;

    const { verdict } = await home.step('homelab-peer', { ...PEER, Namespaces: 'llm,batch' });

    expect(verdict).toMatchObject({ ok: true, change: 'none', offloaded: '' });
    expect(await callsOf(home, 'peer')).toHaveLength(1);
    expect(await callsOf(home, 'offload')).toHaveLength(2);
    expect(cloud.asked).toHaveLength(before);
  });

  it('stand beside each other', async () => {
    const { aws, home } = clusters;
    // The worker reaches the homelab's API over the mesh; here it stands on its own address.
    await home.step('homelab-make-peering-user', { ...USER, ConsumerClusterId: PROVIDER });

    const { verdict } = await aws.step('peer', {
      ...PEER,
      ProviderClusterId: CONSUMER,
      ProviderUrl: 'https://10.96.0.1:443',
      ProxyUrl: '',
      GatewayLocation: 'Consumer',
      Resources: '',
    });

    expect(verdict).toMatchObject({ ok: true, change: 'peer' });
    expect(await home.get('foreignclusters', PROVIDER)).toMatchObject({ status: { role: 'ConsumerAndProvider' } });
  });
});

describe.skipIf(skip)('homelab-peer without a network', () => {
  it('peers without network where that is off', async ({ onTestFinished }) => {
    const { home } = await readyToPeer(onTestFinished);

    const { verdict } = await home.step('homelab-peer', { ...PEER, Networking: 'false' });

    expect(verdict).toMatchObject({ ok: true, change: 'peer' });
    const [call = ''] = await callsOf(home, 'peer');
    expect(call).toContain('--networking-disabled');
    expect(call).not.toMatch(/--gw-|--mtu/);
  });
});
