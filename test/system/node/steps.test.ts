import { describe, expect, it } from 'vitest';
import { awsError, secretValue } from '../../ssm/fake-instance.ts';
import { ADDRESS, anIdentity } from '../../ssm/identity-builders.ts';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { aNode, BOOT } from './support.ts';

const MESH = { NebulaIp: ADDRESS, LighthouseIp: '10.100.0.1' };

describe.skipIf(sandboxObstacle !== undefined).concurrent('await-boot', () => {
  it('fails with the reason of a boot that failed', async () => {
    const { node, boot } = await aNode({ secret: [awsError('DecryptionFailure')] });
    await boot();

    const { code, verdict } = await runStep(node, 'await-boot');

    expect(code).toBe(1);
    expect(verdict).toMatchObject({ ok: false, boot: 'failed', reason: expect.stringContaining('DecryptionFailure') });
  });

  it('waits for a verdict that is still to come', async () => {
    const { node } = await aNode({ secret: [secretValue(anIdentity().secret)], hurry: false });
    const step = runStep(node, 'await-boot', { LimitSeconds: '30' });
    const boot = node.run([BOOT]);

    await expect(step).resolves.toMatchObject({ verdict: { ok: true, boot: 'done' } });
    await boot;
  });

  it('gives up at its limit and names the last mark', async () => {
    const { node } = await aNode();
    await node.write('/run/carrierarr/timeline', '1795303518.618 boot-start\n1795303518.721 metadata-open\n');

    const { verdict } = await runStep(node, 'await-boot', { LimitSeconds: '2' });

    expect(verdict).toMatchObject({
      ok: false,
      rc: 1,
      boot: 'timeout',
      reason: 'the boot gave no verdict within 2 s; last mark: 1795303518.721 metadata-open',
    });
  });

  it('gives up at its limit when the boot never began', async () => {
    const { node } = await aNode();

    const { verdict } = await runStep(node, 'await-boot', { LimitSeconds: '08' });

    expect(verdict).toMatchObject({ boot: 'timeout', timeline: [], reason: expect.stringMatching(/last mark: none$/) });
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('verify-nebula', () => {
  it('fails where there is no device', async () => {
    const { node } = await aNode();

    const { verdict } = await runStep(node, 'verify-nebula', MESH);

    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining('does not carry') });
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('node-status', () => {
  it('describes a node on which nothing has happened', async () => {
    const { node } = await aNode();

    const { code, verdict } = await runStep(node, 'node-status');

    expect(code).toBe(0);
    expect(verdict).toMatchObject({
      boot: 'pending',
      meshAddress: '',
      timeline: [],
      services: { nebula: 'inactive', 'carrierarr-boot': 'inactive' },
      certificate: null,
    });
  });

  it('describes a node whose certificate cannot be read', async () => {
    const { node } = await aNode();
    await node.write('/etc/nebula/host.crt', '-----BEGIN NEBULA CERTIFICATE-----\nCgA\n');

    const { verdict } = await runStep(node, 'node-status');

    expect(verdict).toMatchObject({ ok: true, certificate: null });
  });

  it('is never answered from an earlier run', async () => {
    const { node, instance, boot } = await aNode();
    await runStep(node, 'node-status');
    instance.secret = [secretValue(anIdentity().secret)];
    await boot();

    const { verdict } = await runStep(node, 'node-status');

    expect(verdict.boot).toBe('done');
  });
});
