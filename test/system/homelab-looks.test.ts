import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLook, setWorld, type World } from '../ssm/checks/world.ts';
import { NodeSandbox, sandboxObstacle } from '../ssm/node-sandbox.ts';

const MESH = { LighthouseNamespace: 'nebula', LighthouseDeployment: 'nebula-lighthouse', NebulaIp: '10.100.2.1' };
const AGENT = {
  ControlPlaneNamespace: 'carrierarr',
  ControlPlaneService: 'carrierarr-control-plane',
  ControlPlanePort: '8090',
  NebulaIp: '10.100.2.1',
};
const NODES = '/api/v1/namespaces/carrierarr/services/carrierarr-control-plane:8090/proxy/api/v1/nodes';

describe.skipIf(sandboxObstacle !== undefined)('looks from the homelab', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await NodeSandbox.start();
    await node.hasten();
  });
  afterAll(() => node.close());

  const look = async (step: string, parameters: Readonly<Record<string, string>>, world: World) => {
    await setWorld(node, world);
    return (await runLook(node, step, parameters)).verdict;
  };

  it.each([
    ['text', 'time="2026-01-01" level=info msg="Handshake message received" certName=worker-a vpnIp=10.100.2.1'],
    [
      'bare text of a terminal',
      '\u001b[36mINFO\u001b[0m[0003] Handshake message received \u001b[36mcertName\u001b[0m=worker-a \u001b[36mvpnIp\u001b[0m=10.100.2.1',
    ],
    ['text with a list', 'time="x" msg="Handshake message received" certName=worker-a vpnAddrs="[10.100.2.1 fd00::1]"'],
    ['JSON', '{"certName":"worker-a","level":"info","msg":"Handshake message received","vpnIp":"10.100.2.1"}'],
    [
      'JSON with a list',
      '{"level":"INFO","msg":"Handshake message sent","certName":"worker-a","vpnAddrs":["10.100.2.1"]}',
    ],
    ['slog text', 'time=x level=INFO msg="Handshake message received" vpnAddrs=[10.100.2.1] certName=worker-a'],
  ])('find the handshake in a log of %s', async (_, line) => {
    const verdict = await look('homelab-verify-mesh', MESH, { logs: `noise 10.100.2.1\n${line}` });

    expect(verdict).toMatchObject({ ok: true, handshake: { name: 'worker-a' } });
  });

  it('take no other address and no other message for the handshake, and name who was refused', async () => {
    const logs = [
      'time="x" msg="Handshake message received" certName=worker-b vpnIp=10.100.2.10',
      'time="x" msg="Invalid certificate from host" error="could not find ca for the certificate" udpAddr="198.51.100.7:4242"',
      'time="x" msg="Tunnel status" vpnIp=10.100.2.1',
    ].join('\n');
    const verdict = await look('homelab-verify-mesh', MESH, { logs });

    expect(verdict.reason).toMatch(/no handshake with 10\.100\.2\.1; refused: .*could not find ca/);
  });

  it('find that another node has the address', async () => {
    const logs = 'msg="Handshake message received" certName=laptop vpnIp=10.100.2.1';

    expect((await look('homelab-verify-mesh', MESH, { logs })).reason).toContain('as laptop, not as worker-a');
  });

  it('find the agent at the control plane', async () => {
    const nodes = [
      { id: 'ip-10-0-0-1', nebula_ip: '10.100.2.1', connected: true, last_seen: new Date().toISOString() },
    ];
    const verdict = await look('homelab-verify-agent', AGENT, { raw: { [NODES]: JSON.stringify(nodes) } });

    expect(verdict).toMatchObject({ ok: true, agent: { id: 'ip-10-0-0-1' } });
  });

  it.each([
    [
      'nobody at that address',
      JSON.stringify([{ nebula_ip: '10.100.2.2', connected: true }]),
      /knows no agent at 10\.100\.2\.1/,
    ],
    ['an agent that hung up', JSON.stringify([{ nebula_ip: '10.100.2.1', connected: false }]), /is not connected/],
    [
      'an agent fallen silent',
      JSON.stringify([{ nebula_ip: '10.100.2.1', connected: true, last_seen: '2020-01-01T00:00:00.5Z' }]),
      /last heard of \d+ s ago/,
    ],
    ['a page', '<html>', /something else/],
    ['nothing', undefined, /does not answer/],
  ])('tell that the control plane knows %s', async (_, nodes, reason) => {
    const raw: Record<string, string> = nodes === undefined ? {} : { [NODES]: nodes };
    const verdict = await look('homelab-verify-agent', AGENT, { raw, logs: 'agent disconnected: stale' });

    expect(verdict.reason).toMatch(reason);
    expect(verdict.tail).toContain('agent disconnected: stale');
  });
});
