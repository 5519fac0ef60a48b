import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../local/node/create-node-host.ts';
import type { LocalNodeHost, NodeCommandResult, RunningNode } from '../../local/node/host.ts';
import { findNebula } from '../../local/node/mesh/find-nebula.ts';
import { stepScript } from '../../ssm/document.ts';
import { aCommand, aHomelabNode, aSpec } from '../local/node/builders.ts';
import { makeFleetAuthority } from './support/mesh-identity.ts';
import { startSecretsServer } from './support/secrets-server.ts';

const host = await createNodeHost({ kind: 'mesh' }).catch((error: Error) => error);
if (host instanceof Error) console.warn(`SKIPPED: no real mesh: ${host.message}`);

const NAMES = ['gpu-1', 'gpu-2'] as const;
const addressOf = (index: number) => `10.100.2.${index + 1}`;

const startFleet = async (real: LocalNodeHost, trust: (fleetCaPem: string, otherCaPem: string) => string) => {
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-mesh-'));
  const nebulaCert = findNebula(process.env)?.nebulaCert ?? 'nebula-cert';
  const fleet = makeFleetAuthority(nebulaCert);
  const other = makeFleetAuthority(nebulaCert);
  const { trustedCaPem } = await real.prepareHomelab(directory);
  const secrets = new Map(
    NAMES.map((name, index) => [`catalyst-llm/nebula-${name}`, fleet.secretOf(name, addressOf(index), trustedCaPem)]),
  );
  const aws = await startSecretsServer(secrets);
  await real.startHomelab({
    fleetCaPem: trust(fleet.fleetCaPem, other.fleetCaPem),
    node: aHomelabNode({ directory: join(directory, 'homelab-node'), awsEndpoint: aws.endpoint }),
  });
  const nodes = await Promise.all(
    NAMES.map((worker, index) =>
      real.start(
        aSpec({
          instanceId: `i-0000000000000000${index}`,
          directory: join(directory, worker),
          privateIp: `10.20.0.${index + 10}`,
          tags: { 'carrierarr:worker': worker },
          awsEndpoint: aws.endpoint,
        }),
      ),
    ),
  );
  const close = async () => {
    await real.close();
    await aws.close();
    fleet.remove();
    other.remove();
    rmSync(directory, { recursive: true });
  };
  return { nodes, calls: aws.calls, close };
};

const runStep = (
  node: RunningNode | undefined,
  step: 'await-boot' | 'verify-nebula' | 'node-status',
  worker: string,
  parameters: Record<string, string> = {},
): Promise<NodeCommandResult> => {
  if (node === undefined) throw new Error('no such node');
  const environment = { SSM_ExecutionId: `${worker}-mabc1234`, SSM_Worker: worker, ...parameters };
  const script = stepScript(step).join('\n');
  return node.run(aCommand({ commandId: crypto.randomUUID(), script, environment, timeoutSeconds: 100 }));
};

const verdictOf = ({ stdout }: NodeCommandResult): Record<string, unknown> => JSON.parse(stdout);

describe.skipIf(host instanceof Error)('two nodes and the homelab', () => {
  let fleet: Awaited<ReturnType<typeof startFleet>>;
  beforeAll(async () => {
    if (host instanceof Error) throw host;
    fleet = await startFleet(host, (own) => own);
  });
  afterAll(() => fleet.close());

  it('boot with the real boot program and reach the lighthouse through real Nebula', async () => {
    const boots = await Promise.all(
      NAMES.map((worker, index) => runStep(fleet.nodes[index], 'await-boot', worker, { SSM_LimitSeconds: '60' })),
    );
    const meshes = await Promise.all(
      NAMES.map((worker, index) =>
        runStep(fleet.nodes[index], 'verify-nebula', worker, {
          SSM_NebulaIp: addressOf(index),
          SSM_LighthouseIp: '10.100.0.1',
        }),
      ),
    );

    expect(boots.map(verdictOf)).toMatchObject([{ boot: 'done' }, { boot: 'done' }]);
    expect(meshes.map(verdictOf)).toMatchObject([
      { ok: true, step: 'verify-nebula' },
      { ok: true, step: 'verify-nebula' },
    ]);
  });

  it('asked for their own secrets with their own credentials', () => {
    const seen = new Set(fleet.calls.map(({ secretId, instanceId }) => `${instanceId} ${secretId}`));

    expect([...seen].sort()).toEqual([
      'i-00000000000000000 catalyst-llm/nebula-gpu-1',
      'i-00000000000000001 catalyst-llm/nebula-gpu-2',
    ]);
  });

  it('reach each other over the mesh, encrypted on the underlay', async () => {
    const script = `#!/bin/bash
      ping -c 3 -i 0.2 -W 1 10.100.2.2 && ip -4 route get 10.100.2.2 && ip -4 route get 10.20.0.11
    `;

    const { status, stdout } = (await fleet.nodes[0]?.run(aCommand({ script }))) ?? {};

    expect(status).toBe('Success');
    expect(stdout).toContain('3 received, 0% packet loss');
    expect(stdout).toMatch(/10\.100\.2\.2 dev nebula0/);
    expect(stdout).toMatch(/10\.20\.0\.11 dev ens5/);
  });

  it('say so in their status', async () => {
    const status = verdictOf(await runStep(fleet.nodes[1], 'node-status', 'gpu-2'));

    expect(status).toMatchObject({
      boot: 'done',
      meshAddress: '10.100.2.2',
      services: { 'carrierarr-boot': 'active', nebula: 'active' },
    });
  });
});

describe.skipIf(host instanceof Error)('a homelab that does not trust the fleet', () => {
  it('is not reached, though Nebula runs', async () => {
    const distrusting = await createNodeHost({ kind: 'mesh' });
    const fleet = await startFleet(distrusting, (_, other) => other);
    const script = '#!/bin/bash\nping -c 2 -i 0.3 -W 1 10.100.0.1\n';

    const boot = await runStep(fleet.nodes[0], 'await-boot', 'gpu-1', { SSM_LimitSeconds: '60' });
    const ping = await fleet.nodes[0]?.run(aCommand({ script }));
    await fleet.close();

    expect(verdictOf(boot)).toMatchObject({ boot: 'done' });
    expect(ping).toMatchObject({ status: 'Failed', stdout: expect.stringContaining('100% packet loss') });
  });
});
