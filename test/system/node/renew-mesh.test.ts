import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepName } from '#contract';
import { certificateToPem } from '../../../lambda/identity/certificate/index.ts';
import { createNodeHost } from '../../../local/node/create-node-host.ts';
import type { RunningNode } from '../../../local/node/host.ts';
import { renderUserData } from '../../../userdata/render.ts';
import { aCommand, aHomelabNode, aSpec } from '../../local/node/builders.ts';
import { ADDRESS, anIdentity, authority, type TestIdentity, WORKER } from '../../ssm/identity-builders.ts';
import { parseVerdict, stepCommand } from '../../ssm/run-step.ts';
import { startSecretsServer } from '../support/secrets-server.ts';

const host = await createNodeHost({ kind: 'mesh' }).catch((error: Error) => error);
if (host instanceof Error) console.warn(`SKIPPED: renewal with real Nebula: ${host.message}`);

const SECRET = `catalyst-llm/nebula-${WORKER}`;
const USER_DATA = renderUserData({
  role: 'gpu-worker',
  fleet: 'carrierarr',
  region: 'us-west-2',
  secretPrefix: 'catalyst-llm',
  controlPlane: '10.100.0.1:50051',
  readySeconds: 7200,
});
const MESH = { NebulaIp: ADDRESS, LighthouseIp: '10.100.0.1' };

const start = async () => {
  if (host instanceof Error) throw host;
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-renewal-'));
  const fleetCaPem = certificateToPem(authority.certificate);
  const { trustedCaPem } = await host.prepareHomelab(directory);
  const secrets = new Map<string, string>();
  const put = ({ secret }: Pick<TestIdentity, 'secret'>) =>
    secrets.set(SECRET, JSON.stringify({ ...secret, nebula_ca_crt: fleetCaPem + trustedCaPem }));
  put(anIdentity());
  const aws = await startSecretsServer(secrets);
  await host.startHomelab({
    fleetCaPem,
    node: aHomelabNode({ directory: join(directory, 'homelab-node'), awsEndpoint: aws.endpoint }),
  });
  const node: RunningNode = await host.start(
    aSpec({
      directory: join(directory, 'node'),
      tags: { 'carrierarr:worker': WORKER },
      userData: USER_DATA,
      awsEndpoint: aws.endpoint,
    }),
  );
  await node.registered;
  const run = async (step: StepName, parameters: Record<string, string> = {}) => {
    const result = await node.run(aCommand({ ...stepCommand(step, parameters), commandId: crypto.randomUUID() }));
    return parseVerdict({ ...result, code: result.exitCode }).verdict;
  };
  const close = async () => {
    await host.close();
    await aws.close();
    rmSync(directory, { recursive: true });
  };
  return { node, run, close, put };
};

describe.skipIf(host instanceof Error)('renewal with real Nebula', () => {
  let world: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    world = await start();
    await world.run('await-boot', { LimitSeconds: '60' });
    await world.run('verify-nebula', MESH);
  });
  afterAll(() => world.close());

  it('loses no packet', async () => {
    const renewed = anIdentity();
    world.put(renewed);
    const traffic = world.node.run(
      aCommand({ script: '#!/bin/bash\nping -n -i 0.05 -c 120 -W 1 10.100.0.1\n', commandId: crypto.randomUUID() }),
    );

    const verdict = await world.run('renew-certificate', { Fingerprint: renewed.fingerprint, ExecutionId: 'renew-1' });

    expect(verdict).toMatchObject({ ok: true, fingerprint: renewed.fingerprint });
    expect((await traffic).stdout).toContain('120 packets transmitted, 120 received, 0% packet loss');
  });

  it('puts the certificate back that Nebula had when key and certificate are no pair', async () => {
    const before = await world.run('node-status');
    const [one, other] = [anIdentity(), anIdentity()];
    world.put({ secret: { ...one.secret, nebula_node_key: other.privateKeyPem } });

    const verdict = await world.run('renew-certificate', { Fingerprint: one.fingerprint, ExecutionId: 'renew-2' });

    expect(verdict.reason).toMatch(/private key is not a pair .*; the previous certificate is back in place$/);
    const after = await world.run('node-status');
    expect(after).toMatchObject({
      certificate: before.certificate,
      meshAddress: ADDRESS,
      services: { nebula: 'active' },
    });
    expect(await world.run('verify-nebula', { ...MESH, ExecutionId: 'after' })).toMatchObject({ ok: true });
  });
});
