import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { aKubeNode, calls, stubCluster, stuckPods } from './cluster-stubs.ts';
import { aNode } from './support.ts';

const CA = '-----BEGIN CERTIFICATE-----\nMIIBdz\n-----END CERTIFICATE-----\n';
const CA_FILE = '/var/lib/rancher/k3s/server/tls/server-ca.crt';
const NODE = 'carrierarr-gpu-worker-001';
const PARAMETERS = { Version: '1.16.6', ClusterName: 'aws-k3s', ClusterId: '2', ReadySeconds: '6' };

const VALUES = {
  cluster: { name: 'aws-k3s', id: 2 },
  ipam: { mode: 'kubernetes' },
  kubeProxyReplacement: true,
  k8sServiceHost: '127.0.0.1',
  k8sServicePort: 6444,
  operator: { replicas: 1 },
  hubble: { enabled: true, relay: { enabled: true } },
  clustermesh: { useAPIServer: false },
  devices: ['en+'],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'liqo.io/type', operator: 'DoesNotExist' }] }],
      },
    },
  },
  /** The command adds some by itself. */
  tunnelProtocol: 'vxlan',
};

const aServer = async () => {
  const { node } = await aNode({ role: 'lighthouse' });
  await stubCluster(node);
  await node.write(CA_FILE, CA);
  await node.write('/run/kube/node.json', aKubeNode(NODE, false));
  await node.write('/run/kube/node-ready.json', aKubeNode(NODE, true));
  return node;
};

/** A server on which an earlier run has installed Cilium. */
const anInstalledServer = async (release: Readonly<Record<string, unknown>> = {}, values: unknown = VALUES) => {
  const node = await aServer();
  const all = {
    name: 'cilium',
    namespace: 'kube-system',
    revision: '1',
    status: 'deployed',
    chart: 'cilium-1.16.6',
    ...release,
  };
  await node.write('/run/kube/releases.json', JSON.stringify([all]));
  await node.write('/run/kube/values.json', JSON.stringify(values));
  await node.write('/run/kube/node.json', aKubeNode(NODE, true));
  return node;
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('install-cilium', () => {
  it("installs with the seed's values and tells the hash that join tokens carry", async () => {
    const node = await aServer();

    const { code, verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict).toMatchObject({ ok: true, action: 'install', version: '1.16.6' });
    expect(code).toBe(0);
    expect(verdict.caHash).toBe(createHash('sha256').update(CA).digest('hex'));
    const [install = ''] = await calls(node, 'cilium');
    expect(install.split(' --set ')).toEqual([
      'cilium install --version 1.16.6',
      'cluster.name=aws-k3s',
      'cluster.id=2',
      'ipam.mode=kubernetes',
      'kubeProxyReplacement=true',
      'k8sServiceHost=127.0.0.1',
      'k8sServicePort=6444',
      'operator.replicas=1',
      'hubble.enabled=true',
      'hubble.relay.enabled=true',
      'clustermesh.useAPIServer=false',
      expect.stringMatching(/^affinity\..*\.key=liqo\.io\/type$/),
      expect.stringMatching(/^affinity\..*\.operator=DoesNotExist$/),
      'devices={en+}',
    ]);
  });

  it('passes on what the configuration adds', async () => {
    const node = await aServer();
    await node.write('/usr/local/share/carrierarr/charts/cilium-1.16.6/Chart.yaml', 'name: cilium\n');

    await runStep(node, 'install-cilium', {
      ...PARAMETERS,
      Version: 'v1.16.6',
      ClusterMesh: 'true',
      Devices: '',
      Mtu: '1300',
      ExtraValues: 'bpf.hostLegacyRouting=true,operator.replicas=2',
    });

    const [install = ''] = await calls(node, 'cilium');
    expect(install).toContain('--chart-directory /usr/local/share/carrierarr/charts/cilium-1.16.6');
    expect(install).toContain(
      '--set clustermesh.apiserver.replicas=1 --set clustermesh.apiserver.service.type=NodePort',
    );
    expect(install).toContain('--set clustermesh.apiserver.service.nodePort=32379 --set MTU=1300');
    expect(install).toMatch(/--set bpf.hostLegacyRouting=true --set operator.replicas=2$/);
    expect(install).not.toContain('devices');
  });

  it('does nothing where the same version with the same values is installed', async () => {
    const node = await anInstalledServer();

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict).toMatchObject({ ok: true, action: 'none' });
    expect(await calls(node, 'cilium')).toEqual([]);
  });

  it.each([
    ['another version is installed', { chart: 'cilium-1.15.9' }, VALUES],
    ['the last attempt failed', { status: 'failed' }, VALUES],
    ['a value is another', {}, { ...VALUES, kubeProxyReplacement: false }],
    ['a value is missing', {}, { ...VALUES, devices: undefined }],
    ['a value merely begins alike', {}, { ...VALUES, cluster: { name: 'aws-k3s-2', id: 2 } }],
    ['there are no values', {}, null],
  ])('upgrades where %s', async (_, release, values) => {
    const node = await anInstalledServer(release, values);

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict).toMatchObject({ ok: true, action: 'upgrade' });
    expect(await calls(node, 'cilium')).toEqual([
      expect.stringMatching(/^cilium upgrade --version 1\.16\.6 --reset-values --reuse-values=false --set /),
    ]);
  });

  it('installs anew where an earlier run was cut short', async () => {
    const node = await anInstalledServer({ status: 'pending-install', revision: '1' });

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict).toMatchObject({ ok: true, action: 'install' });
    expect((await calls(node, 'kubectl')).join('\n')).toContain('delete secret sh.helm.release.v1.cilium.v1');
  });

  it('reads coloured output as if it were plain', async () => {
    const node = await anInstalledServer();
    for (const file of ['releases.json', 'values.json', 'node.json', 'readyz']) {
      const text = await node.read(`/run/kube/${file}`);
      await node.write(
        `/run/kube/${file}`,
        text.replaceAll(/"[a-zA-Z]+"|ok/g, (word) => `\x1b[1;34m${word}\x1b[0m`),
      );
    }

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict).toMatchObject({ ok: true, action: 'none' });
  });

  it('gives up where the API never answers, with its last word', async () => {
    const node = await aServer();
    await node.shell('rm /run/kube/readyz');

    const { code, verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(code).toBe(1);
    expect(verdict.reason).toBe(
      'the Kubernetes API did not answer within 240 s: The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?',
    );
  });

  it('gives up where k3s has never started', async () => {
    const node = await aServer();
    await node.shell('rm /etc/rancher/k3s/k3s.yaml');

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict.reason).toBe('there was no /etc/rancher/k3s/k3s.yaml within 240 s');
  });

  it('refuses to name a cluster by a bundle that k3s has not made', async () => {
    const node = await aServer();
    await node.write(CA_FILE, CA + CA);

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict.reason).toContain('holds 2 certificates');
  });

  it('says what the command said last and which pods are not ready and why', async () => {
    const node = await aServer();
    await node.write('/run/kube/cilium.fail', '\x1b[31mError: Unable to install Cilium: timed out\x1b[0m\n\n');
    await node.write('/run/kube/pods.json', stuckPods('kube-system', 'cilium-x7k2p'));

    const { code, verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(code).toBe(1);
    expect(verdict.reason).toBe(
      'cilium install failed: Error: Unable to install Cilium: timed out; pods: kube-system/cilium-x7k2p is Pending: container main: ImagePullBackOff: Back-off pulling image "quay.io/x"',
    );
  });

  it('says which pods are not ready and why where the node never is', async () => {
    const node = await aServer();
    await node.write('/run/kube/node-ready.json', aKubeNode(NODE, false));
    await node.write(
      '/run/kube/events.json',
      JSON.stringify({
        items: [
          {
            type: 'Warning',
            reason: 'FailedCreate',
            message: 'pods "cilium-" is forbidden',
            lastTimestamp: '2026-11-22T02:00:00Z',
            involvedObject: { kind: 'DaemonSet', name: 'cilium' },
          },
        ],
      }),
    );

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict.ok).toBe(false);
    expect(verdict.caHash).toBeDefined();
    expect(verdict.reason).toBe(
      `node ${NODE} is not Ready after 6 s: Ready is False: container runtime network not ready: cni plugin not initialized; pods: DaemonSet/cilium: FailedCreate: pods "cilium-" is forbidden`,
    );
  });

  it('says so where there is no such node', async () => {
    const node = await anInstalledServer();
    await node.shell('rm /run/kube/node.json');

    const { verdict } = await runStep(node, 'install-cilium', PARAMETERS);

    expect(verdict.reason).toContain('there is no such node');
  });
});
