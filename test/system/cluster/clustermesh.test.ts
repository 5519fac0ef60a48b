import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import type { StepOutcome } from '../../ssm/run-step.ts';
import { type Clusters, DOOR, PROVIDER, PROVIDER_URL, SECRET, type Side, twoClusters } from '../liqo/support.ts';

const HOME = 'catalyst-homelab';
const OFFER = { SecretId: SECRET, ServerUrl: PROVIDER_URL };
const CONNECT = { ClusterName: PROVIDER, SecretId: SECRET, ProviderUrl: PROVIDER_URL, ProxyUrl: DOOR };
const FORGET = { ClusterId: PROVIDER };
const ACCOUNT = 'carrierarr-clustermesh';
const CONNECTED = { ok: true, changed: true, connectivity: { clusters: { [PROVIDER]: expect.anything() } } };

const caOf = (text: string) => ({ data: { 'ca.crt': Buffer.from(text).toString('base64') } });
const SHARED_CA = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'cilium-ca', namespace: 'kube-system' },
  ...caOf('the same'),
};

const values = (name: string, id: string, port: string): string[] =>
  [
    `cluster.name=${name}`,
    `cluster.id=${id}`,
    'clustermesh.useAPIServer=true',
    `clustermesh.apiserver.service.nodePort=${port}`,
  ].flatMap((value) => ['--set', value]);

const cilium = async (side: Side, ...words: string[]): Promise<void> => {
  const { code, stderr } = await side.run('cilium', ...words);
  if (code !== 0) throw new Error(`cilium ${words.join(' ')}: ${stderr}`);
};

const install = async (side: Side, ...chosen: string[]): Promise<void> => {
  await side.apply(SHARED_CA);
  await cilium(side, 'install', '--version', '1.16.6', '--wait', ...chosen);
};

/** Clusters the agents of a side are told to connect to. */
const remotes = async (side: Side): Promise<string[]> => {
  const secret = await side.get('secret', 'cilium-clustermesh', '-n', 'kube-system', '--ignore-not-found');
  return Object.keys((secret as { data?: object } | undefined)?.data ?? {});
};
const revision = async (side: Side): Promise<number> =>
  (await side.names('secrets', '-n', 'kube-system', '-l', 'owner=helm,name=cilium')).length;
const faults = ({ verdict }: StepOutcome): string[] =>
  (verdict.faults as readonly { what: string }[] | undefined)?.map(({ what }) => what) ?? [];

describe.skipIf(sandboxObstacle !== undefined)('ClusterMesh', () => {
  let clusters: Clusters;
  beforeAll(async () => {
    clusters = await twoClusters();
    const { aws, home } = clusters;
    const count = 'printf "%s\\n" "$*" >>/run/cilium-calls\nexec "$CILIUM" "$@"';
    for (const each of [aws, home]) {
      const path = (await each.run('which', 'cilium')).stdout.trim();
      await each.node.stub('cilium', count.replace('$CILIUM', path));
    }
    await Promise.all([install(aws, ...values(PROVIDER, '2', '32379')), install(home, ...values(HOME, '1', '32479'))]);
  });

  const called = async (): Promise<string> => await clusters.home.node.shell('cat /run/cilium-calls');
  const offer = () => clusters.aws.step('offer-clustermesh', OFFER);
  const connect = () => clusters.home.step('homelab-connect-clustermesh', CONNECT);
  const forget = () => clusters.home.step('homelab-forget-cluster', FORGET);

  it('is nothing to undo where it never was', async () => {
    const before = await revision(clusters.home);

    const { verdict } = await forget();

    expect(verdict).toMatchObject({ ok: true, clusterMesh: 'none' });
    expect(await revision(clusters.home)).toBe(before);
  });

  it('connects both sides through the door, and takes the credential’s rights back', async () => {
    const { aws, home, cloud } = clusters;

    const offered = await offer();
    const token = cloud.written.at(-1)?.text;
    const connected = await connect();

    expect(offered.verdict).toMatchObject({ ok: true, clusterMesh: { name: PROVIDER, id: '2', port: 32_379 } });
    expect(connected.verdict.reason).toBeUndefined();
    expect(connected.verdict).toMatchObject(CONNECTED);
    expect([await remotes(home), await remotes(aws)]).toEqual([[PROVIDER], [HOME]]);
    expect(await aws.get('clusterrolebinding', ACCOUNT, '--ignore-not-found')).toBeUndefined();
    expect(await aws.get('serviceaccount', ACCOUNT, '-n', 'kube-system', '--ignore-not-found')).toBeUndefined();
    const secret = /"token":\s*"([^"]+)"/.exec(token ?? '')?.[1];
    expect(secret).toBeTruthy();
    expect((await home.seen()) + (await aws.seen()) + connected.stdout + offered.stdout).not.toContain(secret);
  });

  it('is left as it is where both are connected already', async () => {
    const before = [await revision(clusters.home), await revision(clusters.aws)];

    await offer();
    const { verdict } = await connect();

    expect(verdict).toMatchObject({ ok: true, changed: false });
    expect([await revision(clusters.home), await revision(clusters.aws)]).toEqual(before);
  });

  it('ends here when the other cluster is gone, at the version that is installed, and only once', async () => {
    const { home } = clusters;
    await cilium(home, 'upgrade', '--version', '1.16.4', '--set', 'MTU=1250');
    await clusters.aws.api.stop();
    const first = await forget();
    const before = await revision(home);
    const second = await forget();
    await clusters.aws.api.start();

    expect(first.verdict).toMatchObject({ ok: true, clusterMesh: 'disconnected', troubles: [] });
    expect(await remotes(home)).toEqual([]);
    const kept = await home.run('helm', 'get', 'values', 'cilium', '-n', 'kube-system', '--output', 'json');
    expect(JSON.parse(kept.stdout)).toMatchObject({
      MTU: 1250,
      cluster: { name: HOME },
      clustermesh: { useAPIServer: true },
    });
    expect(await called()).toMatch(/upgrade --version 1\.16\.4 --reuse-values --values/);
    expect(second.verdict).toMatchObject({ ok: true, clusterMesh: 'none' });
    expect(await revision(home)).toBe(before);
  });

  it('is connected anew where only one side still is', async () => {
    await offer();
    const { verdict } = await connect();

    expect(verdict).toMatchObject(CONNECTED);
    expect(await remotes(clusters.home)).toEqual([PROVIDER]);
  });

  it('that cannot be undone is named, with what to do', async () => {
    await clusters.home.knob('cilium.upgrade.fail', 'Error: Unable to upgrade Cilium: daemonsets.apps is forbidden');
    const { verdict } = await forget();
    await clusters.home.forget('cilium.upgrade.fail');

    expect(verdict).toMatchObject({ ok: false, clusterMesh: 'left' });
    expect(verdict.reason).toMatch(/is forbidden.*homelab\/installer/);
    expect(await remotes(clusters.home)).toEqual([PROVIDER]);
    expect((await forget()).verdict).toMatchObject({ ok: true, clusterMesh: 'disconnected' });
  });

  describe('is stopped before anything is changed where', () => {
    let before: number;
    beforeAll(async () => {
      before = await revision(clusters.home);
    });
    afterEach(async () => {
      expect(await revision(clusters.home)).toBe(before);
    });
    const patch = (kind: string, name: string, body: object): string[] => [kind, name, '--patch', JSON.stringify(body)];
    const ca = (text: string) => patch('secret', 'cilium-ca', caOf(text));
    const config = (data: Record<string, string>) => patch('configmap', 'cilium-config', { data });
    const service = (nodePort: number) =>
      patch('service', 'clustermesh-apiserver', { spec: { ports: [{ port: 2379, protocol: 'TCP', nodePort }] } });
    const change = async ([kind = '', name = '', ...rest]: readonly string[]) => {
      const { code, stderr } = await clusters.home.run(
        'kubectl',
        'patch',
        kind,
        name,
        '-n',
        'kube-system',
        '--type',
        'merge',
        ...rest,
      );
      if (code !== 0) throw new Error(stderr);
    };

    it('the two do not fit together, and every reason is named', async () => {
      const { home } = clusters;
      const label = (name: string) =>
        home.run('kubectl', 'label', 'secrets', '-n', 'kube-system', '-l', 'owner=helm', `name=${name}`, '--overwrite');
      await offer();
      await label('other');
      await change(ca('another'));
      await change(config({ 'cluster-id': '2', 'cluster-name': PROVIDER }));
      await change(service(32_379));
      const outcome = await connect();
      await label('cilium');
      await change(ca('the same'));
      await change(config({ 'cluster-id': '1', 'cluster-name': HOME }));
      await change(service(32_479));

      expect(faults(outcome)).toEqual([
        expect.stringContaining('no Helm release named cilium'),
        expect.stringContaining('same cluster.id'),
        expect.stringContaining('same cluster.name'),
        expect.stringContaining('one NodePort'),
        expect.stringContaining('different Cilium CAs'),
      ]);
      expect(await clusters.aws.get('clusterrolebinding', ACCOUNT, '--ignore-not-found')).toBeUndefined();
    });

    it('no credential has come', async () => {
      clusters.cloud.written.push({ id: SECRET, text: '{}', token: 'as it was opened' });
      const { verdict } = await connect();

      expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(/^the credential cannot be used/) });
    });
  });

  it('is not offered by a cluster without its API server', async () => {
    await cilium(clusters.aws, 'clustermesh', 'disable');
    const outcome = await offer();

    expect(faults(outcome)).toEqual([expect.stringContaining('clustermesh-apiserver at here is not ready')]);
    expect(await clusters.aws.get('clusterrolebinding', ACCOUNT, '--ignore-not-found')).toBeUndefined();
  });
});
