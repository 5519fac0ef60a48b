import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/eventually.ts';
import { selfSigned } from '../../../support/x509.ts';
import { FakeControlPlane } from '../support/a-control-plane.ts';
import { anAgent, aSystem, type Overrides } from '../support/an-agent.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const started = async (overrides: Overrides, tls?: { cert: string; key: string }) => {
  const plane = await new FakeControlPlane().listen(0, tls);
  cleanUps.push(() => plane.close());
  const agent = anAgent(plane.port, overrides);
  cleanUps.push(() => agent.stop());
  return { plane, agent };
};

const reasons = ({ lines }: ReturnType<typeof anAgent>) =>
  lines.filter(({ event }) => event === 'cannot connect').map(({ reason }) => reason);

describe('a connection leaves', () => {
  it('from the mesh address', async () => {
    const { plane, agent } = await started({ settings: { nebulaIp: '127.9.2.1' } });

    await agent.connected();

    expect(plane.sources.at(-1)).toBe('127.9.2.1');
  });

  it('not at all while the mesh address is away', async () => {
    const { plane, agent } = await started({ settings: { nebulaIp: '198.51.100.7' } });

    await until('a fault', () => agent.count('cannot connect') > 0);

    expect(reasons(agent)[0]).toMatch(/EADDRNOTAVAIL/);
    expect(plane.sources).toEqual([]);
  });
});

describe('TLS', () => {
  const server = selfSigned('a control plane', 'ec', [
    'subjectAltName=IP:127.0.0.1',
    'basicConstraints=critical,CA:TRUE',
  ]);
  const tls = { cert: server.certificate, key: server.key };
  const trusting = (ca: string | undefined) => ({
    settings: { tls: { on: true, caFile: '/ca.pem' } },
    system: aSystem({ readText: async (path) => (path === '/ca.pem' ? ca : undefined) }),
  });

  it('connects to whom the authority has signed', async () => {
    const { agent, plane } = await started(trusting(server.certificate), tls);

    await agent.connected();

    expect(plane.registrations.length).toBeGreaterThan(0);
  });

  it('connects to nobody else', async () => {
    const other = selfSigned('somebody', 'ec', ['subjectAltName=IP:127.0.0.1', 'basicConstraints=critical,CA:TRUE']);
    const { agent, plane } = await started(trusting(other.certificate), tls);

    await until('a fault', () => agent.count('cannot connect') > 0);

    expect(reasons(agent)[0]).toMatch(/self-signed certificate/);
    expect(plane.registrations).toEqual([]);
  });

  it('waits for the file of the authority', async () => {
    const { agent } = await started(trusting(undefined), tls);

    await until('a fault', () => agent.count('cannot connect') > 0);

    expect(reasons(agent)[0]).toMatch(/CONTROL_PLANE_CA_FILE cannot be read/);
  });
});

describe('a token file', () => {
  it('with something else in it is not shown to anybody', async () => {
    const readText = async () => 'two\nlines';
    const { agent, plane } = await started({ system: aSystem({ readText }) });

    await until('a fault', () => agent.count('cannot connect') > 0);

    expect(reasons(agent)[0]).toMatch(/holds no token/);
    expect(plane.registrations).toEqual([]);
  });
});
