import { beforeAll, describe, expect, it } from 'vitest';
import type { StepName } from '#contract';
import { network } from '../../lambda/identity/support/authority.ts';
import { type FakeInstance, secretValue } from '../../ssm/fake-instance.ts';
import { ADDRESS, anAgentToken, anIdentity, type TestIdentity, WORKER } from '../../ssm/identity-builders.ts';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { aBootedNode } from './support.ts';

const MESH = { NebulaIp: ADDRESS, LighthouseIp: '10.100.0.1' };

/** One node for all that leave it as it was, the renewals that change it at the end. */
describe.skipIf(sandboxObstacle !== undefined)('on a node that has booted,', () => {
  const files = 'cd /etc/nebula && sha256sum ca.crt host.crt host.key && ls -A';
  let node: NodeSandbox;
  let instance: FakeInstance;
  let identity: TestIdentity;
  beforeAll(async () => {
    ({ node, instance, identity } = await aBootedNode());
    await node.hasten();
  });
  /** A run of its own, since the same run again would only repeat its verdict. */
  const step = (name: StepName, parameters: Readonly<Record<string, string>> = {}) =>
    runStep(node, name, { ExecutionId: `run-${crypto.randomUUID()}`, ...parameters });
  /** Nebula takes a moment for what it has to do by itself. */
  const inTime = () => node.stub('sleep', 'exec /bin/sleep 0.5');

  it('await-boot hands on the marks of a boot that is done', async () => {
    const { code, verdict } = await step('await-boot');

    expect(code).toBe(0);
    expect(verdict).toMatchObject({ ok: true, boot: 'done' });
    expect(verdict.timeline).toContainEqual({ at: expect.any(Number), mark: 'boot-done' });
  });

  it('verify-nebula measures how long address and lighthouse took', async () => {
    const { code, verdict } = await step('verify-nebula', MESH);

    expect(code).toBe(0);
    expect(verdict).toMatchObject({
      ok: true,
      addressMilliseconds: expect.any(Number),
      lighthouseMilliseconds: expect.any(Number),
      pings: 1,
      roundTripMilliseconds: '1.58',
    });
  });

  it('verify-nebula asks again until the lighthouse answers', async () => {
    await node.write('/run/standins/lighthouse.fail', '');
    await node.stub(
      'sleep',
      'echo >>/run/slept; [[ $(wc -l </run/slept) -lt 6 ]] || rm -f /run/standins/lighthouse.fail',
    );

    const { verdict } = await step('verify-nebula', MESH);
    await node.shell('rm /run/stubs/sleep');

    expect(verdict).toMatchObject({ ok: true, pings: 4 });
  });

  it("verify-nebula fails with Nebula's last words when the lighthouse stays silent", async () => {
    await node.write('/run/standins/lighthouse.fail', '');

    const { code, verdict } = await step('verify-nebula', MESH);
    await node.shell('rm /run/standins/lighthouse.fail');

    expect(code).toBe(1);
    expect(verdict.reason).toMatch(
      /^lighthouse 10\.100\.0\.1 did not answer 25 pings .* trust our certificate authority\?$/,
    );
    expect(verdict.tail).toContain('100% packet loss');
    expect(verdict.tail).toContain('Nebula interface is active');
  });

  it('verify-nebula fails where the device has another address', async () => {
    const { verdict } = await step('verify-nebula', { ...MESH, NebulaIp: '10.100.2.77' });

    expect(verdict).toMatchObject({ ok: false, reason: `nebula0 does not carry 10.100.2.77; it has: ${ADDRESS}` });
  });

  it('node-status describes a node that is in the mesh', async () => {
    const { verdict } = await step('node-status');

    expect(verdict).toMatchObject({
      ok: true,
      boot: 'done',
      meshAddress: ADDRESS,
      services: { nebula: 'active' },
      certificate: {
        name: WORKER,
        address: ADDRESS,
        fingerprint: identity.fingerprint,
        notAfter: new Date(identity.notAfter * 1000).toISOString().replace('.000Z', 'Z'),
      },
    });
  });

  it('renew-certificate refuses to work on a node that is another worker', async () => {
    const { verdict } = await step('renew-certificate', {
      Fingerprint: identity.fingerprint,
      Worker: 'gpu-worker-002',
    });

    expect(verdict).toMatchObject({ ok: false, reason: `this node is worker ${WORKER}, not gpu-worker-002` });
  });

  it.each([
    ['that is not the expected one', anIdentity(), 'f'.repeat(64), 'not the expected'],
    ['that has run out', anIdentity({ notAfter: Math.floor(Date.now() / 1000) - 1 }), undefined, 'ran out'],
    ['of another worker', anIdentity({ name: 'gpu-worker-002' }), undefined, 'is for worker gpu-worker-002'],
  ])('renew-certificate touches nothing for a certificate %s', async (_, renewed, fingerprint, reason) => {
    instance.secret = [secretValue(renewed.secret)];
    const before = await node.shell('cd /etc/nebula && sha256sum ca.crt host.crt host.key');

    const { verdict } = await step('renew-certificate', { Fingerprint: fingerprint ?? renewed.fingerprint });

    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
    expect(await node.shell('cd /etc/nebula && sha256sum ca.crt host.crt host.key')).toBe(before);
  });

  it('renew-certificate goes back to the previous certificate when Nebula does not take the new one', async () => {
    const moved = anIdentity({ networks: [network('10.100.2.9/16')] }, '10.100.2.9');
    instance.secret = [secretValue(moved.secret)];
    const before = await node.shell(files);

    const { verdict } = await step('renew-certificate', { Fingerprint: moved.fingerprint });

    expect(verdict).toMatchObject({
      ok: false,
      rc: 1,
      reason: `nebula did not take certificate ${moved.fingerprint}; the previous certificate is back in place`,
    });
    expect(verdict.tail).toContain('IP in new cert was different from old');
    expect(await node.shell(files)).toBe(before);
    const status = await step('node-status');
    expect(status.verdict).toMatchObject({ meshAddress: ADDRESS, certificate: { fingerprint: identity.fingerprint } });
  });

  it.each([
    ['nebula', 'private key is not a pair with public key in nebula cert', 'nebula refuses its files: private key'],
    ['systemctl', 'no bus', 'nebula cannot be signalled'],
  ])('renew-certificate goes back to the previous certificate when %s fails', async (program, says, reason) => {
    const renewed = anIdentity();
    instance.secret = [secretValue(renewed.secret)];
    const before = await node.shell(files);
    await node.write(`/run/standins/${program}.fail`, `${says}\n`);

    const { verdict } = await step('renew-certificate', { Fingerprint: renewed.fingerprint });
    await node.shell(`rm /run/standins/${program}.fail`);

    expect(verdict.reason).toContain(reason);
    expect(await node.shell(files)).toBe(before);
  });

  it('renew-certificate falls back to the last certificate known to work when an earlier run was cut short', async () => {
    await node.shell(
      'cd /etc/nebula && mkdir previous && cp ca.crt host.crt host.key previous/ && echo half >host.crt',
    );
    const renewed = anIdentity();
    instance.secret = [secretValue(renewed.secret)];
    await node.write('/run/standins/nebula.fail', 'refused\n');

    await step('renew-certificate', { Fingerprint: renewed.fingerprint });
    await node.shell('rm /run/standins/nebula.fail');

    expect(await node.read('/etc/nebula/host.crt')).toContain((identity.secret.nebula_node_crt ?? '').trimEnd());
  });

  it('renew-certificate waits for a secret that still shows the old certificate', async () => {
    const renewed = anIdentity();
    await inTime();
    instance.secret = [secretValue(identity.secret), secretValue(identity.secret), secretValue(renewed.secret)];

    const { verdict } = await step('renew-certificate', { Fingerprint: renewed.fingerprint });

    expect(verdict.ok).toBe(true);
  });

  it('renew-certificate puts the renewed certificate, key and agent token into use without a restart', async () => {
    const renewed = anIdentity();
    await inTime();
    const token = anAgentToken();
    instance.secret = [secretValue({ ...renewed.secret, agent_token: token })];
    const pid = await node.read('/run/standins/units/nebula.service/main.pid');

    const { code, verdict } = await step('renew-certificate', { Fingerprint: renewed.fingerprint });

    expect(code).toBe(0);
    expect(verdict).toMatchObject({ ok: true, fingerprint: renewed.fingerprint, notAfter: renewed.notAfter });
    expect(await node.read('/etc/nebula/host.crt')).toContain((renewed.secret.nebula_node_crt ?? '').trimEnd());
    expect(await node.read('/etc/nebula/host.key')).toContain(renewed.privateKeyPem.trimEnd());
    expect(await node.shell('ls -A /etc/nebula')).toBe('ca.crt\nconfig.yml\nhost.crt\nhost.key\n');
    expect(await node.read('/run/standins/units/nebula.service/main.pid')).toBe(pid);
    expect(verdict.tail).not.toContain(renewed.privateKeyPem.split('\n')[1]);
    expect(await node.read('/run/carrierarr/agent-token')).toBe(`${token}\n`);
    expect(verdict.tail).not.toContain(token);
  });

  it('renew-certificate goes back to the previous certificate when Nebula is not running', async () => {
    const renewed = anIdentity();
    instance.secret = [secretValue(renewed.secret)];
    await node.shell('systemctl stop nebula.service');
    const before = await node.shell(files);

    const { verdict } = await step('renew-certificate', { Fingerprint: renewed.fingerprint });

    expect(verdict.reason).toContain('nebula cannot be signalled');
    expect(await node.shell(files)).toBe(before);
  });
});
