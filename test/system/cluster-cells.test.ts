import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { findTraces } from '../../local/demo/homelab.ts';
import { findLeftovers } from '../../local/demo/leftovers.ts';
import { createNodeHost } from '../../local/node/create-node-host.ts';
import { emulatorObstacle } from '../scenario/support/emulator.ts';
import { carrierarr, startCarrierarr } from './support/command-line.ts';
import { readablePlaces, SecretWatch } from './support/traces.ts';

/** The best nodes of this machine that run the scripts. */
const cells = async (): Promise<'mesh' | 'sandbox' | undefined> => {
  for (const kind of ['mesh', 'sandbox'] as const) {
    try {
      await (await createNodeHost({ kind })).close();
      return kind;
    } catch (error) {
      console.warn(`no nodes of kind ${kind}: ${(error as Error).message}`);
    }
  }
  return undefined;
};

const nodes = await cells();
const obstacle = nodes === undefined ? 'this machine has no cells' : await emulatorObstacle();
if (obstacle !== undefined) console.warn(`SKIPPED: clusters in cells. ${obstacle}`);

let cloud: Cloud | undefined;
afterEach(async ({ task }) => {
  await cloud?.stop({ keepLogs: task.result?.state === 'fail' });
  cloud = undefined;
});

const aCloud = async (name: string, config: unknown): Promise<Cloud> => {
  cloud = await startCloud({
    name: `${name}-${process.pid}`,
    ...(nodes !== undefined && { nodes }),
    waitScale: 0.3,
    config,
  });
  return cloud;
};

const succeed = async (...command: Parameters<typeof carrierarr>): Promise<string> => {
  const { code, output } = await carrierarr(...command);
  expect(code, output).toBe(0);
  return output;
};

/** A lighthouse, and beside it a worker that waits for its cluster. */
const liveTogether = async (on: Cloud): Promise<void> => {
  const house = startCarrierarr(on, 'provision', 'house', '--role', 'lighthouse');
  await house.says(/Reserve/);
  const guest = startCarrierarr(on, 'provision', 'guest', '--role', 'gpu-worker');
  for (const { code, output } of [await house.ended, await guest.ended]) expect(code, output).toBe(0);
};

const KINDS = [
  'nodes',
  'namespaces',
  'certificatesigningrequests',
  'foreignclusters',
  'tenants -A',
  'resourceslices -A',
  'virtualnodes -A',
  'connections -A',
  'namespaceoffloadings -A',
];

/** Names of all in the homelab's cluster that a peering touches. */
const homelabObjects = async ({ homelab }: Cloud): Promise<string[]> => {
  const looks = KINDS.map((kind) => `kubectl get ${kind} -o name --request-timeout=10s 2>/dev/null || true`);
  const script = `#!/bin/bash\nkubectl get --raw /readyz >&2\n${looks.join('\n')}\n`;
  const command = { commandId: randomUUID(), script, environment: {}, timeoutSeconds: 60 };
  const { stdout, stderr } = await homelab.run(command);
  expect(stderr).toContain('ok');
  return stdout.split('\n').filter((line) => line !== '');
};

const REGISTERED = '/api/v1/namespaces/carrierarr/services/carrierarr-control-plane:8090/proxy/api/v1/nodes';

/** What the control plane in the homelab knows of its agents. */
const agents = async ({ homelab }: Cloud): Promise<string> => {
  const script = `#!/bin/bash\nkubectl get --raw ${REGISTERED}\n`;
  const { stdout } = await homelab.run({ commandId: randomUUID(), script, environment: {}, timeoutSeconds: 30 });
  return stdout;
};

/** EC2 gives notice to a Spot worker, which has two minutes. */
const giveNotice = async (on: Cloud, worker: string): Promise<void> => {
  const [instanceId] = /\bi-[0-9a-f]{17}\b/.exec(await succeed(on, 'status', worker, '--json')) ?? [];
  const body = JSON.stringify({ instanceId });
  const { status } = await fetch(`${on.endpoint}/_edge/interruptions`, { method: 'POST', body });
  expect(status).toBe(200);
};

const ids = (found: readonly { readonly ids: readonly string[] }[]): string[] => found.flatMap((each) => each.ids);

/** Nothing of the workers is left, in AWS or in the homelab, where only Liqo itself stays. */
const expectNothingLeft = async (on: Cloud, before: readonly string[]): Promise<void> => {
  expect(ids(await findLeftovers(on.endpoint, on.region, on.fleet))).toEqual([]);
  expect(ids(await findTraces(on))).toEqual([]);
  const after = await homelabObjects(on);
  expect(after.filter((name) => !before.includes(name))).toEqual(['namespace/liqo']);
  expect(before.filter((name) => !after.includes(name))).toEqual([]);
};

/** Text in each place that shows that it was read, and is of these workers. */
const CONTROLS: Readonly<Record<keyof Awaited<ReturnType<typeof readablePlaces>>, RegExp>> = {
  'execution histories': /house[\s\S]*homelab-peer/,
  'outputs of Run Command': /make-peering-user Success\n[\s\S]*"ok":true/,
  'logs of the functions': /house/,
  "the cloud's log files": /ministack/i,
  'consoles of the nodes': /nodes\/i-\w+\/console\.log\n\S/,
  "the steps' logs in the homelab": /liqoctl peer/,
};

const expectSecrecy = async (on: Cloud, hidden: readonly string[]): Promise<void> => {
  const places = await readablePlaces(on);
  for (const [place, text] of Object.entries(places)) {
    expect.soft(text, `${place}: read`).toMatch(CONTROLS[place as keyof typeof CONTROLS]);
    const found = hidden.filter((piece) => text.includes(piece)).map((piece) => `${piece.slice(0, 6)}…`);
    expect.soft(found, place).toEqual([]);
    expect.soft(/BEGIN NEBULA (X25519|ED25519) PRIVATE KEY/.test(text), place).toBe(false);
  }
};

describe.skipIf(obstacle !== undefined)(`clusters in cells of kind ${nodes}`, { timeout: 300_000 }, () => {
  it('live and die by the command line, are seen in the fleet, and betray no secret', async () => {
    const home = await aCloud('cells', {});
    const secrets = new SecretWatch(home);
    const before = await homelabObjects(home);

    await liveTogether(home);
    const status = await succeed(home, 'status');
    await giveNotice(home, 'guest');
    await expect
      .poll(() => agents(home), { timeout: 60_000, interval: 1000 })
      .toContain('"interruption":{"action":"terminate"');
    const ended = await succeed(home, 'teardown', 'guest', 'house');

    expect(status).toMatch(/house +lighthouse +READY +aws-k3s +\d+ CPU, \w+, 1 GPU /);
    expect(status).toMatch(/guest +gpu-worker +READY +aws-k3s +1 GPU /);
    expect(ended).not.toMatch(/skipped/i);
    await expectNothingLeft(home, before);
    await secrets.stop();
    // The peering user is made for the peering, and once more for its end.
    expect(secrets.of('handover').length).toBeGreaterThanOrEqual(2);
    const hidden = [...secrets.pieces.values()].flatMap((pieces) => [...pieces]);
    expect(hidden.length).toBeGreaterThanOrEqual(7);
    await expectSecrecy(home, hidden);
  });

  it('use each other in both directions where the homelab is prepared for it', async () => {
    const both = await aCloud('cells-both', { liqo: { direction: 'both' } });
    const before = await homelabObjects(both);

    await succeed(both, 'provision', 'house', '--role', 'lighthouse');
    const peerings = await homelabObjects(both);
    const detail = await succeed(both, 'status', 'house', '--json');
    const ended = await succeed(both, 'teardown', 'house');

    expect(peerings).toContain('foreigncluster.core.liqo.io/aws-k3s');
    expect(peerings).toContain('node/aws-k3s');
    expect(detail).toMatch(/homelabVirtualNode/);
    expect(ended).not.toMatch(/skipped/i);
    await expectNothingLeft(both, before);
  });
});
