import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeSandbox, sandboxObstacle } from '../ssm/node-sandbox.ts';
import type { StepOutcome } from '../ssm/run-step.ts';
import {
  CA_FINGERPRINT,
  CA_PEM,
  lighthouseConfig,
  PREFLIGHT,
  runLook,
  setWorld,
  soundObjects,
  type World,
} from '../ssm/checks/world.ts';

interface Fault {
  readonly check: string;
  readonly what: string;
  readonly got: string;
  readonly remedy: string;
}

const faultsOf = ({ verdict }: StepOutcome): readonly Fault[] => verdict.faults as readonly Fault[];
const notesOf = ({ verdict }: StepOutcome) => verdict.notes as readonly { check: string; text: string }[];

describe.skipIf(sandboxObstacle !== undefined)('preflight of the homelab', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await NodeSandbox.start();
  });
  afterAll(() => node.close());

  const preflight = async (
    changed: Readonly<Record<string, unknown>> = {},
    parameters: Readonly<Record<string, string>> = {},
    world: Partial<World> = {},
    doorAnswer?: string,
  ): Promise<StepOutcome> => {
    const objects = Object.entries({ ...soundObjects(), ...changed }).filter(([, value]) => value !== undefined);
    await setWorld(node, { objects: Object.fromEntries(objects), ...world }, doorAnswer);
    return await runLook(node, 'homelab-preflight', { ...PREFLIGHT, ...parameters });
  };
  const lighthouse = (overrides: Readonly<Record<string, unknown>>) => ({
    'configmap/nebula/nebula-config': { data: { 'config.yaml': lighthouseConfig(overrides) } },
  });
  const rules = (...inbound: readonly unknown[]) => lighthouse({ firewall: { inbound } });
  const cilium = (data: Readonly<Record<string, string>>) => ({
    'configmap/kube-system/cilium-config': { data: { devices: 'en+', mtu: '0', ...data } },
  });

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
    const outcome = await preflight({}, {}, { down: true });

    expect(outcome.verdict.reason).toMatch(/did not answer|was refused/);
  }, 40_000);

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

  describe('the lighthouse', () => {
    it('reads its rules in flow style, with comments, anchors and Windows line ends', async () => {
      const text = [
        '--- # the lighthouse',
        'pki: {ca: /config/certs/ca.crt}',
        'defaults: &workers {proto: tcp, group: workers}',
        'firewall:',
        "  inbound: [{port: any, proto: icmp, host: any}, {<<: *workers, port: 50051, 'proto': tcp}]",
      ].join('\r\n');
      const outcome = await preflight({ 'configmap/nebula/nebula-config': { data: { 'config.yml': text } } });

      expect(outcome.verdict).toMatchObject({ faults: [] });
    });

    it('trusts a CA written into its configuration, among others', async () => {
      const stranger = CA_PEM.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA');
      const outcome = await preflight(
        lighthouse({
          pki: { ca: `# ours\n${stranger}\n${CA_PEM}` },
          firewall: { inbound: [{ port: 'any', proto: 'any', host: 'any' }] },
        }),
      );

      expect(outcome.verdict).toMatchObject({ faults: [] });
    });

    it('trusts a CA out of a Secret, by whatever key it is mounted', async () => {
      const objects = soundObjects();
      const deployment = JSON.parse(JSON.stringify(objects['deployment/nebula/nebula-lighthouse'])) as {
        spec: { template: { spec: { volumes: unknown[] } } };
      };
      deployment.spec.template.spec.volumes = [
        { name: 'certs', secret: { secretName: 'certs', items: [{ key: 'bundle', path: 'ca.crt' }] } },
      ];
      const outcome = await preflight({
        'deployment/nebula/nebula-lighthouse': deployment,
        'secret/nebula/certs': { data: { bundle: Buffer.from(CA_PEM).toString('base64') } },
      });

      expect(outcome.verdict).toMatchObject({ faults: [] });
    });

    it('is left unchecked, with a note, where the Secret with its CA may not be read', async () => {
      const deployment = {
        spec: {
          template: {
            spec: {
              containers: [{ volumeMounts: [{ name: 'certs', mountPath: '/config/certs/' }] }],
              volumes: [{ name: 'certs', secret: { secretName: 'certs' } }],
            },
          },
        },
      };
      const outcome = await preflight(
        { 'deployment/nebula/nebula-lighthouse': deployment },
        {},
        { denied: ['secret/nebula'] },
      );

      expect(outcome.verdict.ok).toBe(true);
      expect(notesOf(outcome)).toContainEqual({
        check: 'lighthouse-trust',
        text: expect.stringContaining('unchecked'),
      });
    });

    it('does not trust the fleet', async () => {
      const outcome = await preflight({}, { CaFingerprint: 'a'.repeat(64) });

      expect(faultsOf(outcome)).toEqual([
        expect.objectContaining({ check: 'lighthouse-trust', got: expect.stringContaining(CA_FINGERPRINT) }),
      ]);
    });

    it('may be open too far, or advertise pods: that is a note', async () => {
      const open = { port: 22, proto: 'tcp', group: 'workers' };
      const agents = { port: 50_051, proto: 'tcp', group: 'workers' };
      const outcome = await preflight(
        lighthouse({ lighthouse: { am_lighthouse: true }, firewall: { inbound: [open, agents] } }),
      );

      expect(outcome.verdict.ok).toBe(true);
      expect(notesOf(outcome).filter(({ check }) => check === 'lighthouse')).toHaveLength(2);
    });

    it.each<[string, Record<string, unknown>]>([
      ['no configuration', { 'configmap/nebula/nebula-config': undefined }],
      ['no Deployment', { 'deployment/nebula/nebula-lighthouse': undefined }],
      ['a configuration that is no YAML', { 'configmap/nebula/nebula-config': { data: { 'config.yml': 'a: [b' } } }],
      ['an empty configuration', { 'configmap/nebula/nebula-config': { data: {} } }],
    ])('has %s', async (_, changed) => {
      expect(faultsOf(await preflight(changed))).toEqual([expect.objectContaining({ check: 'lighthouse' })]);
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
