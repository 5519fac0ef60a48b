import type { Command } from 'commander';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { HomelabNode, OpenActivation } from '../homelab/nodes.ts';
import type { Io } from '../io.ts';
import { formatAge, formatRemaining } from '../render/duration.ts';
import { type Column, renderTable } from '../render/table.ts';

const columns = (now: Date): Column<HomelabNode>[] => [
  { title: 'NODE', value: ({ id }) => id, style: () => 'bold' },
  { title: 'STATE', value: ({ state }) => state, style: ({ state }) => (state === 'Online' ? 'green' : 'red') },
  {
    title: 'AGENT',
    value: ({ agentVersion, agentTooOld }) => `${agentVersion}${agentTooOld ? ' (too old)' : ''}`,
    style: ({ agentTooOld }) => (agentTooOld ? 'red' : undefined),
  },
  { title: 'ADDRESS', value: ({ address }) => address },
  {
    title: 'LAST SEEN',
    value: ({ lastSeen }) => (lastSeen === null ? '' : `${formatAge(now.getTime() - Date.parse(lastSeen))} ago`),
  },
];

const openText = ({ id, expiresAt }: OpenActivation, now: Date): string => {
  const end = expiresAt === null ? '' : `, ends ${formatRemaining(new Date(expiresAt), now)}`;
  return `open activation ${id}: nobody has registered with it yet${end}\n`;
};

const show = async (fleet: Fleet, json: boolean, io: Io): Promise<void> => {
  const [{ SSMClient }, { clientSettings }, { listNodes, listOpenActivations }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('../doors/clients.ts'),
    import('../homelab/nodes.ts'),
  ]);
  const ssm = new SSMClient(clientSettings(fleet.region));
  const now = io.now();
  const [nodes, activations] = await Promise.all([
    listNodes(ssm, fleet.name),
    listOpenActivations(ssm, fleet.name, now),
  ]);
  if (json) io.out.write(`${JSON.stringify({ nodes, activations })}\n`);
  else {
    if (nodes.length > 0) io.out.write(renderTable(columns(now), nodes, io.out));
    else io.out.write('No node of the homelab is registered: carrierarr homelab activate\n');
    for (const activation of activations) io.out.write(openText(activation, now));
  }
};

export const registerHomelabStatus = (homelab: Command, io: Io): void => {
  homelab
    .command('status')
    .summary("show the homelab's node and open activations")
    .description("Shows the homelab's own node as Systems Manager sees it, and activations nobody has used yet.")
    .action(async (_options: unknown, command: Command) => {
      await show(await openFleet(command, io), wantsJson(command), io);
    });
};
