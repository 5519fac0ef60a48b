import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cilium, faultsOf, notesOf, preflightOn, rules } from '../ssm/checks/preflight.ts';
import { NodeSandbox, sandboxObstacle } from '../ssm/node-sandbox.ts';

describe.skipIf(sandboxObstacle !== undefined)('preflight of the homelab', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await NodeSandbox.start();
  });
  afterAll(() => node.close());

  const preflight = preflightOn(() => node);

  it('finds nothing where docs/homelab.md was followed, and changes nothing', async () => {
    const outcome = await preflight();

    expect(outcome.verdict).toMatchObject({ ok: true, rc: 0, faults: [] });
    expect(notesOf(outcome)).toEqual([{ check: 'ranges', text: expect.stringContaining('10.100.0.0/16 lies inside') }]);
    const calls = (await node.read('/run/world/calls')).split('\n').filter((line) => line !== '');
    expect(calls.filter((line) => !/(^| )(get|auth can-i|annotate --local)( |$)/.test(line))).toEqual([]);
  });

  it('reads coloured output all the same', async () => {
    expect((await preflight({}, {}, { colour: true })).verdict).toMatchObject({ ok: true, faults: [] });
  });

  it('names every fault at once, each with its remedy, and fits into what Systems Manager keeps', async () => {
    const outcome = await preflight(
      {
        ...rules(),
        'daemonset/kube-system/cilium': { spec: { template: { spec: {} } } },
        'configmap/kube-system/cilium-config': {
          data: { mtu: '1200', 'kube-proxy-replacement': 'true', 'enable-bpf-masquerade': 'true' },
        },
        'configmap/nebula/nebula-ca': { data: { 'ca.crt': '' } },
        'deployment/carrierarr-mesh/mesh-door': undefined,
      },
      { Provides: 'true', ForeignCidrs: '10.244.0.0/16', MeshCidr: '10.110.0.0/14' },
    );

    expect(outcome.code).toBe(1);
    expect([...new Set(faultsOf(outcome).map(({ check }) => check))].sort()).toEqual([
      'api-certificate',
      'cilium-affinity',
      'cilium-devices',
      'cilium-host-routing',
      'cilium-mtu',
      'lighthouse-50051',
      'lighthouse-6443',
      'lighthouse-trust',
      'mesh-door',
      'ranges',
    ]);
    expect(faultsOf(outcome).filter(({ what, remedy }) => what === '' || remedy === '')).toEqual([]);
    expect(outcome.stdout.length).toBeLessThan(24_000);
    expect(outcome.verdict.reason).toMatch(/^\d+ faults: cilium-affinity: /);
  });

  it('says that the API server does not answer, and looks no further', async () => {
    // It looks as often as ever, without the pauses.
    await node.stub('sleep', 'exit 0');
    const outcome = await preflight({}, {}, { down: true });
    await node.shell('rm /run/stubs/sleep');

    expect(outcome.verdict.reason).toMatch(/did not answer|was refused/);
  });

  it.each([
    [
      'the installer is missing where Liqo is to be installed',
      'create customresourcedefinitions.apiextensions.k8s.io',
      /installer/,
    ],
    ['the operator is not bound', 'list nodes', /carrierarr-operator/],
  ])('says which right it lacks: %s', async (_, denied, remedy) => {
    const outcome = await preflight({}, {}, { denied: [denied] });

    expect(faultsOf(outcome)).toEqual([
      expect.objectContaining({ check: 'rights', remedy: expect.stringMatching(remedy) }),
    ]);
  });

  it('says what it may not read', async () => {
    const outcome = await preflight({}, {}, { denied: ['daemonset/kube-system'] });

    expect(faultsOf(outcome)).toEqual([
      expect.objectContaining({ check: 'cilium', got: expect.stringContaining('Forbidden') }),
    ]);
  });

  describe('Cilium', () => {
    it('is skipped with a note where there is none', async () => {
      const outcome = await preflight({ 'daemonset/kube-system/cilium': undefined });

      expect(outcome.verdict.ok).toBe(true);
      expect(notesOf(outcome)).toContainEqual({ check: 'cilium', text: expect.stringContaining('no Cilium') });
    });

    it.each<[string, Record<string, string>, string]>([
      ['picks its devices itself', { devices: '' }, 'cilium-devices'],
      [
        'routes past the tunnel',
        { 'kube-proxy-replacement': 'strict', 'enable-bpf-masquerade': 'true' },
        'cilium-host-routing',
      ],
      ['has too small an MTU', { mtu: '1249' }, 'cilium-mtu'],
    ])('stops the step where it %s', async (_, data, check) => {
      expect(faultsOf(await preflight(cilium(data)))).toEqual([expect.objectContaining({ check })]);
    });

    it('only has to keep off virtual nodes where networks stay apart', async () => {
      expect((await preflight(cilium({ devices: '', mtu: '1200' }), { Networking: 'false' })).verdict.ok).toBe(true);
    });

    it('must be kept off virtual nodes by every alternative, networks or not', async () => {
      const term = { matchExpressions: [{ key: 'liqo.io/type', operator: 'DoesNotExist' }] };
      const required = { nodeSelectorTerms: [term, { matchExpressions: [{ key: 'x', operator: 'Exists' }] }] };
      const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
      const outcome = await preflight(
        { 'daemonset/kube-system/cilium': { spec: { template: { spec: { affinity } } } } },
        { Networking: 'false' },
      );

      expect(faultsOf(outcome)).toEqual([expect.objectContaining({ check: 'cilium-affinity' })]);
    });
  });

  describe('ranges', () => {
    it.each<[string, Record<string, string>]>([
      ['the VPC overlaps pods', { ForeignCidrs: '10.244.128.0/17' }],
      ['the VPC overlaps services', { ForeignCidrs: '10.80.0.0/16,10.98.0.0/16' }],
      ['the VPC holds a node', { ForeignCidrs: '192.168.0.0/16' }],
      ['the mesh overlaps pods', { MeshCidr: '10.244.0.0/16', ServiceCidr: '10.96.0.0/12' }],
      ['the mesh overlaps services in part', { MeshCidr: '10.96.0.0/11' }],
      ['pods live elsewhere', { PodCidr: '10.245.0.0/16' }],
      ['services live elsewhere', { ServiceCidr: '10.112.0.0/12' }],
    ])('stop the step where %s', async (_, parameters) => {
      expect(faultsOf(await preflight({}, parameters)).map(({ check }) => check)).toEqual(['ranges']);
    });

    it('are those of Cilium where it hands out addresses from its own pool', async () => {
      const pool = (range: string) => cilium({ ipam: 'cluster-pool', 'cluster-pool-ipv4-cidr': range });

      expect(faultsOf(await preflight(pool('10.0.0.0/8')))).toEqual([expect.objectContaining({ check: 'ranges' })]);
      expect((await preflight(pool('10.244.0.0/16'))).verdict.ok).toBe(true);
    });

    it("stop the step where a Service has the worker's mesh address", async () => {
      const taken = { metadata: { namespace: 'media', name: 'plex' }, spec: { clusterIP: '10.100.2.1' } };
      const outcome = await preflight({ services: { items: [taken] } });

      expect(faultsOf(outcome)).toEqual([
        expect.objectContaining({ check: 'worker-address', got: expect.stringContaining('media/plex') }),
      ]);
    });
  });

  describe('the mesh door', () => {
    it.each<[string, Record<string, unknown>, string, string]>([
      ['is not there', { 'deployment/carrierarr-mesh/mesh-door': undefined }, 'Forbidden', 'mesh-door'],
      ['is not up', { 'deployment/carrierarr-mesh/mesh-door': { status: {} } }, 'Forbidden', 'mesh-door'],
      ['does not answer', {}, 'proxyconnect tcp: dial tcp 10.96.4.4:3128: connect: connection refused', 'mesh-door'],
      ['grants every port', {}, 'EOF', 'mesh-door'],
      ['has no namespace', { 'namespace/carrierarr-mesh': undefined }, 'Forbidden', 'namespaces'],
      ['may not run privileged pods', { 'namespace/carrierarr-mesh': { metadata: {} } }, 'Forbidden', 'namespaces'],
    ])('%s', async (_, changed, answer, check) => {
      expect(faultsOf(await preflight(changed, {}, {}, answer))).toEqual([expect.objectContaining({ check })]);
    });

    it('is not looked at where none is used', async () => {
      const gone = { 'deployment/carrierarr-mesh/mesh-door': undefined, 'namespace/carrierarr-mesh': undefined };

      expect((await preflight(gone, { ProxyUrl: '' })).verdict.ok).toBe(true);
    });
  });

  describe('Liqo', () => {
    const installed = { 'deployment/liqo/liqo-controller-manager': { status: { availableReplicas: 1 } } };
    const says = (clusterID: string, version: string) =>
      node.stub('liqoctl', `printf '\\033[32m%s\\033[0m' '${JSON.stringify({ local: { clusterID, version } })}'`);

    it.each([
      ['the same', 'catalyst-homelab', 'v1.2.0', 'false', []],
      ['the same, written otherwise', 'catalyst-homelab', '1.2.0', 'false', []],
      ['older, upgrades allowed', 'catalyst-homelab', 'v1.1.2', 'true', []],
      ['older', 'catalyst-homelab', 'v1.1.2', 'false', ['liqo']],
      ['under another id', 'homelab', 'v1.2.0', 'true', ['liqo']],
    ])('that is there: %s', async (_, id, version, AllowUpgrade, checks) => {
      await says(id, version);

      const outcome = await preflight(installed, { AllowUpgrade });

      expect(faultsOf(outcome).map(({ check }) => check)).toEqual(checks);
    });

    it('that does not say what it is', async () => {
      await node.stub('liqoctl', 'exit 1');

      expect(faultsOf(await preflight(installed))).toEqual([expect.objectContaining({ check: 'liqo' })]);
    });
  });

  it('wants the API certificate to carry the mesh address where workers use it', async () => {
    const provides = { Provides: 'true' };
    const open = rules({ port: 'any', proto: 'tcp', group: 'workers' });

    expect(faultsOf(await preflight(open, provides))).toEqual([
      expect.objectContaining({ check: 'api-certificate', got: expect.stringContaining('x509') }),
    ]);
    expect((await preflight(open, provides, { sans: ['10.100.0.1'] })).verdict).toMatchObject({ faults: [] });
  });
});
