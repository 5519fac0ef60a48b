import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cloud, type CloudOptions, startCloud } from '../../local/cloud.ts';
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

const aCloud = async (name: string, options: Pick<CloudOptions, 'config' | 'controlPlane'>): Promise<Cloud> => {
  cloud = await startCloud({
    name: `${name}-${process.pid}`,
    ...(nodes !== undefined && { nodes }),
    waitScale: 0.3,
    ...options,
  });
  return cloud;
};

const succeed = async (...command: Parameters<typeof carrierarr>): Promise<string> => {
  const { code, output } = await carrierarr(...command);
  expect(code, output).toBe(0);
  return output;
};

/** Runs a line on a worker's node, by Run Command as whoever operates it would. */
const runOn = ({ edge }: Cloud, worker: string, line: string): void => {
  const instanceId = edge.nodes.instanceOf(worker) ?? `the instance of ${worker}`;
  const step = { action: 'aws:runShellScript', name: 'testLine', inputs: { runCommand: ['#!/bin/bash', line] } };
  edge.ssm.putDocument('test-line', { schemaVersion: '2.2', mainSteps: [step] });
  const request = { documentName: 'test-line', instanceIds: [instanceId], parameters: {}, timeoutSeconds: 60 };
  edge.nodes.deliver(edge.ssm.send(request));
};

const GPU_USE = '/run/standins/gpus.use';

/** Until it is told otherwise no worker is idle, however long the slower of the two takes to be READY. */
const provisionAndBusy = async (on: Cloud, name: string): Promise<void> => {
  await succeed(on, 'provision', name, '--role', 'gpu-worker');
  runOn(on, name, `echo '9000 97 71' >${GPU_USE}`);
};

/** A lighthouse, and beside it workers that wait for its cluster. */
const liveTogether = async (on: Cloud): Promise<void> => {
  const house = startCarrierarr(on, 'provision', 'house', '--role', 'lighthouse');
  await house.says(/Reserve/);
  const guests = ['guest', 'brief'].map((name) => provisionAndBusy(on, name));
  const { code, output } = await house.ended;
  expect(code, output).toBe(0);
  await Promise.all(guests);
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

interface Agent {
  readonly id: string;
  readonly worker: string;
  readonly state: string;
}

/** What the control plane's API tells whoever looks at its page. */
const agents = async ({ page }: Cloud): Promise<Agent[]> =>
  (await (await fetch(`${page}/api/v1/nodes`)).json()) as Agent[];

/** Lets agents report every five seconds instead of thirty: what they are told, they do. */
const hurryAgents = async (on: Cloud): Promise<void> => {
  const args = { heartbeat_interval_sec: '5', status_interval_sec: '5' };
  const token = on.environment.CARRIERARR_COMMAND_TOKEN;
  const request = {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ node_id: '*', type: 'UPDATE_CONFIG', args }),
  };
  const tell = async () => {
    const answer = (await (await fetch(`${on.page}/api/v1/command`, request)).json()) as { sent_to: number };
    return { sentTo: answer.sent_to, agents: await agents(on) };
  };
  // On a busy machine an agent's way may just have been torn: it comes back, and being told twice does no harm.
  await expect.poll(tell, { timeout: 90_000, interval: 2000 }).toMatchObject({ sentTo: 3 });
};

/** EC2 gives notice to a Spot worker, which has two minutes. */
const giveNotice = async (on: Cloud, worker: string): Promise<void> => {
  const body = JSON.stringify({ worker });
  const { status } = await fetch(`${on.endpoint}/_edge/interruptions`, { method: 'POST', body });
  expect(status).toBe(200);
};

/** The command is asked once the instance is gone: each look is a whole start of it. */
const expectRemoved = async (on: Cloud, worker: string): Promise<void> => {
  const instance = () => on.edge.nodes.instanceOf(worker);
  await expect.poll(instance, { timeout: 240_000, interval: 500 }).toBeUndefined();
  await expect
    .poll(async () => (await carrierarr(on, 'status', worker, '--json')).output, { timeout: 120_000, interval: 3000 })
    .toMatch(/"phase": ?"REMOVED"/);
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

/** Everything that takes minutes in life takes seconds here. */
const HASTE = {
  STALE_TIMEOUT: '15s',
  DEAD_THRESHOLD: '25s',
  CARRIERARR_IDLE_AFTER: '5s',
  CARRIERARR_IDLE_EVERY: '4s',
};

describe.skipIf(obstacle !== undefined)(`a cluster in cells of kind ${nodes}`, { timeout: 600_000 }, () => {
  it('lives and dies by the command line and by what its agents tell, in both directions, and betrays no secret', async () => {
    const home = await aCloud('cells', {
      config: {
        liqo: { direction: 'both' },
        agent: { idleMinutes: 1, idleWarningMinutes: 0.4 },
      },
      controlPlane: HASTE,
    });
    const secrets = new SecretWatch(home);
    const before = await homelabObjects(home);
    expect(await (await fetch(`${home.page}/`)).text()).toContain('<html');

    await liveTogether(home);
    await hurryAgents(home);
    const status = await succeed(home, 'status');
    const detail = await succeed(home, 'status', 'house', '--json');
    const peerings = await homelabObjects(home);

    expect(status).toMatch(/house +lighthouse +READY +aws-k3s +\d+ CPU, \w+, 1 GPU /);
    expect(status).toMatch(/guest +gpu-worker +READY +aws-k3s +1 GPU /);
    expect(peerings).toEqual(expect.arrayContaining(['foreigncluster.core.liqo.io/aws-k3s', 'node/aws-k3s']));
    expect(detail).toMatch(/homelabVirtualNode/);

    await giveNotice(home, 'brief');
    runOn(home, 'guest', `rm ${GPU_USE}`);
    // Nobody asks for it: one leaves since EC2 takes it back, the other since it has nothing to do.
    await Promise.all([expectRemoved(home, 'brief'), expectRemoved(home, 'guest')]);
    await expect
      .poll(async () => (await agents(home)).find(({ worker }) => worker === 'guest')?.state, {
        timeout: 150_000,
        interval: 1000,
      })
      .toMatch(/dead|gone/);
    const ended = await succeed(home, 'teardown', 'house');

    expect(ended).not.toMatch(/skipped/i);
    await expectNothingLeft(home, before);
    await secrets.stop();
    // The peering user is made for the peering, and once more for its end.
    expect(secrets.of('handover').length).toBeGreaterThanOrEqual(2);
    const hidden = [...secrets.pieces.values()].flatMap((pieces) => [...pieces]);
    expect(hidden.length).toBeGreaterThanOrEqual(7);
    await expectSecrecy(home, hidden);
  });
});
