import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import { SECRET } from '../homelab/instructions.ts';
import type { Io } from '../io.ts';

const usage = (what: string, remedy: string): CommandError => new CommandError(EXIT.usage, { what, remedy });

/** A peering can only be taken back in the homelab, so whoever still has one should know. */
const questionOf = async (fleet: Fleet): Promise<string> => {
  const servers = (await fleet.api.workers()).filter(({ role, phase }) => role === 'lighthouse' && phase !== 'REMOVED');
  const names = servers.map(({ name }) => name).join(', ');
  const warning = servers.length === 0 ? '' : ` Without it the peering of ${names} cannot be taken back.`;
  return `Deregister the homelab's node and delete its activations?${warning} [y/N] `;
};

const confirm = async (fleet: Fleet, io: Io): Promise<void> => {
  if (io.ask === undefined) throw usage("this deregisters the homelab's node, and nobody can be asked", 'add --yes');
  const answer = await io.ask(await questionOf(fleet));
  if (!/^y(es)?$/i.test(answer.trim())) throw usage('not confirmed, nothing was done', 'answer y, or add --yes');
};

const deactivate = async (fleet: Fleet, json: boolean, io: Io): Promise<void> => {
  const [{ SSMClient }, { clientSettings }, { removeAll }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('../doors/clients.ts'),
    import('../homelab/nodes.ts'),
  ]);
  const { nodes, activations } = await removeAll(new SSMClient(clientSettings(fleet.region)), fleet.name);
  if (json) {
    io.out.write(`${JSON.stringify({ deregistered: nodes, deletedActivations: activations })}\n`);
    return;
  }
  for (const id of nodes) io.out.write(`deregistered ${id}\n`);
  for (const id of activations) io.out.write(`deleted activation ${id}\n`);
  if (nodes.length + activations.length === 0) io.out.write('There was nothing to deactivate.\n');
  else io.out.write(`the agent is still there: kubectl delete namespace ${SECRET.namespace}\n`);
};

export const registerHomelabDeactivate = (homelab: Command, io: Io): void => {
  homelab
    .command('deactivate')
    .summary("deregister the homelab's node and delete its activations")
    .description(
      "Deregisters the homelab's own node and deletes the fleet's activations: nothing can be commanded there any more.\n" +
        'Tear down what is peered first. Safe to repeat.',
    )
    .option('-y, --yes', 'do not ask')
    .action(async (options: { yes?: boolean }, command: Command) => {
      const fleet = await openFleet(command, io);
      if (options.yes !== true) await confirm(fleet, io);
      await deactivate(fleet, wantsJson(command), io);
    });
};
