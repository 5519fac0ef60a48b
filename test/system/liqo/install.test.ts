import { describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { INSTALL, type Side, twoClusters } from './support.ts';

const installCalls = async (side: Side): Promise<string[]> =>
  (await side.calls()).filter((call) => call.startsWith('install '));

const MONITORS = ['podmonitors', 'servicemonitors'].map((plural) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.monitoring.coreos.com` },
  spec: {
    group: 'monitoring.coreos.com',
    names: { kind: plural === 'podmonitors' ? 'PodMonitor' : 'ServiceMonitor', plural },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true }],
  },
}));

describe.skipIf(sandboxObstacle !== undefined).concurrent('install-liqo', { timeout: 240_000 }, () => {
  it('installs on k3s with what the other side must know, in a namespace that may hold privileged pods', async ({
    onTestFinished,
  }) => {
    const { aws } = await twoClusters(onTestFinished);

    const { code, verdict } = await aws.step('install-liqo', INSTALL.aws);

    expect(verdict).toMatchObject({ ok: true, change: 'install', version: 'v1.2.0', before: '', metrics: false });
    expect(code).toBe(0);
    const [call = ''] = await installCalls(aws);
    expect(call).toContain('install k3s --cluster-id aws-k3s ');
    expect(call).toContain('--api-server-url https://10.100.2.1:6443 ');
    expect(call).toContain('--reserved-subnets 10.100.0.0/16,172.31.0.0/16,192.168.1.0/24 ');
    expect(call).not.toMatch(/enable-metrics|networking|sanity/);
    expect(await aws.get('namespace', 'liqo')).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
    });
  });

  it('takes the chart of the image where it holds this version', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    await aws.node.write('/usr/local/share/carrierarr/charts/liqo-1.2.0/Chart.yaml', 'name: liqo\n');

    const { verdict } = await aws.step('install-liqo', INSTALL.aws);

    expect(verdict).toMatchObject({ ok: true, change: 'install' });
    expect((await installCalls(aws))[0]).toContain(
      '--local-chart-path /usr/local/share/carrierarr/charts/liqo-1.2.0 --disable-telemetry',
    );
  });

  it('installs in the homelab from inside, where PodSecurity enforces the baseline', async ({ onTestFinished }) => {
    const { home } = await twoClusters(onTestFinished);

    const { verdict } = await home.step('homelab-install-liqo', INSTALL.home);

    // The mesh lies inside the homelab's services, and so is reserved already.
    expect(verdict).toMatchObject({ ok: true, change: 'install', reserved: '172.31.0.0/16,192.168.1.0/24' });
    const [call = ''] = await installCalls(home);
    expect(call).toContain('--disable-api-server-sanity-check');
    expect(call).not.toContain('--api-server-url');
  });

  it('does nothing where this version runs already', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    await aws.step('install-liqo', INSTALL.aws);

    const { verdict } = await aws.step('install-liqo', { ...INSTALL.aws, Version: '1.2.0' });

    expect(verdict).toMatchObject({ ok: true, change: 'none', before: 'v1.2.0' });
    expect(await installCalls(aws)).toHaveLength(1);
  });

  it('refuses to give a cluster another id', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    await aws.step('install-liqo', INSTALL.aws);

    const { code, verdict } = await aws.step('install-liqo', { ...INSTALL.aws, ClusterId: 'aws-other' });

    expect(code).toBe(1);
    expect(verdict.reason).toContain('runs here with the cluster id aws-k3s, not aws-other');
  });

  it('stops at another version, unless upgrades are allowed; never goes back', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    await aws.step('install-liqo', { ...INSTALL.aws, Version: 'v1.1.2' });

    const refused = await aws.step('install-liqo', INSTALL.aws);
    const upgraded = await aws.step('install-liqo', { ...INSTALL.aws, AllowUpgrade: 'true' });
    const back = await aws.step('install-liqo', { ...INSTALL.aws, Version: 'v1.1.2', AllowUpgrade: 'true' });

    expect(refused.verdict.reason).toMatch(/Liqo v1\.1\.2 is in place and v1\.2\.0 is wanted: set liqo\.allowUpgrade/);
    expect(upgraded.verdict).toMatchObject({ ok: true, change: 'upgrade', before: 'v1.1.2' });
    expect(back.verdict.reason).toContain('newer than v1.1.2: Liqo cannot go back');
    expect(await installCalls(aws)).toHaveLength(2);
  });

  it('asks for metrics only where there is somebody to read them', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    for (const definition of MONITORS) await aws.apply(definition);

    const { verdict } = await aws.step('install-liqo', INSTALL.aws);

    expect(verdict).toMatchObject({ ok: true, metrics: true });
    expect((await installCalls(aws)).join()).toContain('--enable-metrics');
  });

  it('leaves the network out where it is asked to', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);

    const { verdict } = await aws.step('install-liqo', { ...INSTALL.aws, Networking: 'false' });

    expect(verdict.ok).toBe(true);
    expect((await installCalls(aws)).join()).toContain('--set networking.enabled=false');
    expect(await aws.names('daemonsets', '-n', 'liqo')).toEqual([]);
  });

  it('tells after a roll-back which pods were not ready, and why', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    aws.api.knob(
      'pods-never-ready',
      'liqo/liqo-ipam ImagePullBackOff Back-off pulling image "ghcr.io/liqotech/ipam"\n',
    );
    await aws.knob('liqoctl.timeout', '4');

    const { code, verdict } = await aws.step('install-liqo', INSTALL.aws);

    expect(code).toBe(1);
    expect(verdict.reason).toMatch(
      /has rolled back\. Not ready meanwhile: .*liqo-ipam.*(ImagePullBackOff|Back-off pulling image)/,
    );
    expect(await aws.names('deployments', '-n', 'liqo')).toEqual([]);
  });

  it('names PodSecurity where that is what refuses the pods', async ({ onTestFinished }) => {
    const { home } = await twoClusters(onTestFinished);
    // Something takes the label away again: an admission policy, or GitOps.
    await home.node.stub(
      'kubectl',
      `args=("$@"); if [[ $1 == --request-timeout=20s && $2 == label ]]; then exit 0; fi
exec "$(type -aP kubectl | sed -n 2p)" "$@"`,
    );
    await home.knob('liqoctl.timeout', '4');

    const { verdict } = await home.step('homelab-install-liqo', INSTALL.home);

    expect(verdict.reason).toMatch(/liqo-fabric: FailedCreate: .*violates PodSecurity "baseline:latest"/);
  });

  it('does not depend on a terminal: colours and spinners change nothing', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    await aws.knob('colour');

    const first = await aws.step('install-liqo', INSTALL.aws);
    const second = await aws.step('install-liqo', INSTALL.aws);

    expect(first.verdict).toMatchObject({ ok: true, change: 'install' });
    expect(second.verdict).toMatchObject({ ok: true, change: 'none' });
    expect(String(first.verdict.tail)).not.toContain('\u001B');
  });

  it('fails with the words of liqoctl where that fails at once', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);
    await aws.knob('liqoctl.install-k3s.fail', ' ERRO  Error initializing installer: helm.liqo.io: no such host\n');

    const { code, verdict } = await aws.step('install-liqo', INSTALL.aws);

    expect(code).toBe(1);
    expect(verdict.reason).toContain('helm.liqo.io: no such host');
  });

  it('names what gives the rights where the homelab forbids the installation, and no such thing on EC2', async ({
    onTestFinished,
  }) => {
    const { aws, home } = await twoClusters(onTestFinished);
    for (const { api } of [aws, home]) api.knob('deny', 'create namespaces\n');

    const atHome = await home.step('homelab-install-liqo', INSTALL.home);
    const onInstance = await aws.step('install-liqo', INSTALL.aws);

    expect(atHome.code).toBe(1);
    expect(atHome.verdict.reason).toMatch(/[Ff]orbidden.*kubectl apply -k homelab\/installer at home/);
    expect(onInstance.verdict.reason).toMatch(/[Ff]orbidden/);
    expect(onInstance.verdict.reason).not.toContain('kubectl apply -k');
  });

  it('refuses a parameter that is none', async ({ onTestFinished }) => {
    const { aws } = await twoClusters(onTestFinished);

    const { code, verdict } = await aws.step('install-liqo', { ...INSTALL.aws, PodCidr: '10.42.0.0/16 --set x=y' });

    expect(code).toBe(64);
    expect(verdict.reason).toBe('SSM_PodCidr is malformed');
  });
});
