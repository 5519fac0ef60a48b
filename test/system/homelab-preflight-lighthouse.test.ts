import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, lighthouse, notesOf, preflightOn } from '../ssm/checks/preflight.ts';
import { CA_FINGERPRINT, CA_PEM, soundObjects } from '../ssm/checks/world.ts';
import { NodeSandbox, sandboxObstacle } from '../ssm/node-sandbox.ts';

describe.skipIf(sandboxObstacle !== undefined)('preflight of the lighthouse', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await NodeSandbox.start();
  });
  afterAll(() => node.close());
  const preflight = preflightOn(() => node);

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
