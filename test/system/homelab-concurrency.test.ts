import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREFLIGHT, runLook, setWorld, soundObjects } from '../ssm/checks/world.ts';
import { NodeSandbox, sandboxObstacle } from '../ssm/node-sandbox.ts';

const MESH_IP = '10.100.2.1';
/** The preflight runs beside them in one round more. */
const ROUNDS = 2;
const WORKERS = ['worker-a', 'worker-b', 'worker-c'];
const NODES = '/api/v1/namespaces/carrierarr/services/carrierarr-control-plane:8090/proxy/api/v1/nodes';
const LOOKS = {
  'homelab-verify-mesh': {
    LighthouseNamespace: 'nebula',
    LighthouseDeployment: 'nebula-lighthouse',
    NebulaIp: MESH_IP,
  },
  'homelab-verify-agent': {
    ControlPlaneNamespace: 'carrierarr',
    ControlPlaneService: 'carrierarr-control-plane',
    ControlPlanePort: '8090',
    NebulaIp: MESH_IP,
  },
};
const ALL = { ...LOOKS, 'homelab-preflight': PREFLIGHT };

describe.skipIf(sandboxObstacle !== undefined)('steps for several workers on the one node of the homelab', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await NodeSandbox.start({ CARRIERARR_SERVICE_ACCOUNT: '/run/account' });
    await node.stub('sleep', 'exec /bin/sleep 0.05');
    const agent = { id: 'ip-10-0-0-1', nebula_ip: MESH_IP, connected: true, last_seen: new Date().toISOString() };
    await setWorld(node, {
      objects: soundObjects(),
      raw: { [NODES]: JSON.stringify([agent]) },
      logs: `msg="Handshake message received" vpnIp=${MESH_IP}`,
    });
    // A pod's way in: no kubeconfig of the machine, a service account instead.
    await node.shell('rm -f /etc/carrierarr/kubeconfig; mkdir -p /run/account; echo token >/run/account/token');
  });
  afterAll(() => node.close());

  /** These steps for all workers at once; what they said against the world. */
  const atOnce = async (round: number, steps: Readonly<Record<string, object>> = LOOKS): Promise<unknown[]> => {
    const runs = WORKERS.flatMap((worker) =>
      Object.entries(steps).map(([step, parameters]) =>
        runLook(node, step, { ...parameters, Worker: worker, ExecutionId: `${worker}-${round}` }),
      ),
    );
    const outcomes = await Promise.all(runs);
    return outcomes.filter(({ code }) => code !== 0).map(({ verdict }) => [verdict.step, verdict.reason, verdict.tail]);
  };

  it('do not get into each other, as often as they run at once', async () => {
    const failures: unknown[] = [];

    for (let round = 0; round < ROUNDS; round += 1) failures.push(...(await atOnce(round)));

    expect(failures).toEqual([]);
  });

  describe('with the preflight among them', () => {
    let failures: unknown[] = [];
    beforeAll(async () => {
      const kubectl = await node.read('/run/stubs/kubectl');
      const told = 'stat -c "%a %n" "$KUBECONFIG" "$(dirname "$KUBECONFIG")" >>/run/told';
      await node.write('/run/stubs/kubectl', kubectl.replace('\n', `\n${told}\n`), '0755');
      await node.shell('mkdir -p /run/carrierarr/scratch.999999.abcdef /run/carrierarr/scratch.1.abcdef');
      failures = await atOnce(ROUNDS, ALL);
    });

    it('leave no file behind, not even of one that was killed, but what one that runs still needs', async () => {
      expect(failures).toEqual([]);
      expect(await node.shell('ls -A /run/carrierarr')).toBe('scratch.1.abcdef\nsteps\n');
    });

    it('have a kubeconfig of their own that nobody else can read', async () => {
      const seen = [...new Set((await node.read('/run/told')).trim().split('\n'))];
      const files = seen.filter((line) => /^600 \/run\/carrierarr\/scratch\.[^/]+\/homelab\.kubeconfig$/.test(line));
      const folders = seen.filter((line) => /^700 \/run\/carrierarr\/scratch\.[^/]+$/.test(line));
      expect(files).toHaveLength(WORKERS.length * Object.keys(ALL).length);
      expect(folders).toHaveLength(files.length);
      expect(seen).toHaveLength(files.length + folders.length);
    });
  });
});
