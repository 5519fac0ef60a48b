import { once } from 'node:events';
import type { NodeView } from '../../../../agent/control-plane/views.ts';
import { controlPlaneBundle } from '../../support/agent-programs.ts';
import type { Ground } from './ground.ts';
import { eventually } from './machine.ts';
import { HOMELAB_NETWORK } from './wire.ts';

const ADDRESS = '10.100.0.1';
const PAGES = `http://${ADDRESS}:8090`;
/** Who may give commands, in this test. */
const TOKEN = 'a-token-of-this-test';

const inHomelab = (...command: string[]) => ['nsenter', `--net=${HOMELAB_NETWORK}`, '--', ...command];

/** The real control plane, on the homelab's mesh address: where it stands behind the mesh door at home. */
export const startControlPlane = async (ground: Ground) => {
  const { program, remove } = await controlPlaneBundle();
  await ground.run(`mkdir -p /run/control-plane; umask 077; printf '%s' '${TOKEN}' >/run/command-token`);
  const argv = [
    '--grpc-addr',
    `${ADDRESS}:50051`,
    '--http-addr',
    `${ADDRESS}:8090`,
    '--data-dir',
    '/run/control-plane',
  ];
  const start = () =>
    ground.spawn(inHomelab(process.execPath, program, ...argv), {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { COMMAND_TOKEN_FILE: '/run/command-token' },
    });
  const curl = (words: string) => ground.run(inHomelab(`curl --silent --max-time 5 ${words}`).join(' '));
  const ready = () =>
    eventually('the control plane', async () =>
      (await curl(`--output /dev/null --write-out '%{http_code}' ${PAGES}/ready || true`)) === '200' ? true : undefined,
    );
  let child = start();
  await ready();
  const get = async (path: string): Promise<unknown> => JSON.parse(await curl(`--fail ${PAGES}${path}`));

  /** What it knows of the node at a mesh address, as soon as that is so. */
  const node = (meshAddress: string, wanted: (node: NodeView) => boolean = () => true): Promise<NodeView> =>
    eventually(`${meshAddress} at the control plane`, async () => {
      const nodes = (await get('/api/v1/nodes')) as { id: string; nebula_ip: string }[];
      const found = nodes.find(({ nebula_ip }) => nebula_ip === meshAddress);
      const view = found && ((await get(`/api/v1/nodes/${found.id}`)) as NodeView);
      return view !== undefined && wanted(view) ? view : undefined;
    });

  const command = async (nodeId: string, type: string, args: Readonly<Record<string, string>> = {}): Promise<unknown> =>
    JSON.parse(
      await curl(
        `--header 'authorization: Bearer ${TOKEN}' --header 'content-type: application/json' ` +
          `--data '${JSON.stringify({ node_id: nodeId, type, args })}' ${PAGES}/api/v1/command`,
      ),
    );

  const restart = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    child = start();
    await ready();
  };

  return { node, command, restart, close: remove };
};

export type ControlPlaneEnd = Awaited<ReturnType<typeof startControlPlane>>;
