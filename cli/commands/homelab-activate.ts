import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { NewActivation } from '../homelab/instructions.ts';
import type { Io } from '../io.ts';
import { paint } from '../render/output.ts';

interface ActivateOptions {
  readonly expires: string;
  readonly shell?: boolean;
  readonly replace?: boolean;
}

const DEFAULT_HOURS = 24;
/** Systems Manager allows thirty days. */
const MAXIMUM_HOURS = 720;
const HOUR = 3_600_000;

const readHours = (text: string): number => {
  const hours = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (hours >= 1 && hours <= MAXIMUM_HOURS) return hours;
  throw new CommandError(EXIT.usage, {
    what: '--expires is not valid',
    got: text,
    allowed: `whole hours, 1 to ${MAXIMUM_HOURS}`,
    remedy: 'give the hours until the activation expires, or leave it out for 24',
  });
};

/** A second node would be found beside the first, and nobody could say which of them a step reaches. */
const refuseSecond = async (ssm: SSMClient, fleet: Fleet, now: Date): Promise<void> => {
  const { listNodes, listOpenActivations } = await import('../homelab/nodes.ts');
  const online = (await listNodes(ssm, fleet.name)).find(({ state }) => state === 'Online');
  const [open] = online === undefined ? await listOpenActivations(ssm, fleet.name, now) : [];
  if (online === undefined && open === undefined) return;
  throw new CommandError(EXIT.conflict, {
    what: online === undefined ? 'an activation is still open' : 'the homelab has a node that is online',
    got: online?.id ?? `${open?.id}, until ${open?.expiresAt}`,
    allowed: 'one at a time',
    remedy:
      'nothing to do if that is the right one; else add --replace, which deregisters it, or run `carrierarr homelab deactivate`',
  });
};

const createActivation = async (
  ssm: SSMClient,
  fleet: Fleet,
  expiresAt: Date,
): Promise<NewActivation & { readonly role: string }> => {
  const [{ CreateActivationCommand }, { HOMELAB_ROLE, TAG }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('#contract'),
  ]);
  const role = fleet.outputs.get('homelabRole');
  const { ActivationId = '', ActivationCode = '' } = await ssm.send(
    new CreateActivationCommand({
      Description: `The homelab's node of the Carrierarr fleet ${fleet.name}`,
      DefaultInstanceName: `${fleet.name}-homelab`,
      IamRole: role,
      RegistrationLimit: 1,
      ExpirationDate: expiresAt,
      Tags: [
        { Key: TAG.fleet, Value: fleet.name },
        { Key: TAG.role, Value: HOMELAB_ROLE },
      ],
    }),
  );
  return { activationId: ActivationId, activationCode: ActivationCode, region: fleet.region, role };
};

const NOTES = (expiresAt: Date, fleet: string): string =>
  [
    '',
    `The code is a credential: whoever has it until ${expiresAt.toISOString()} can register one machine in this account`,
    'as the node that gets the peering credential. It works once. Do not keep it, and do not commit it.',
    `What may send commands there (the fleet ${fleet}, and whoever may change it) acts in your cluster with the rights of`,
    'the node: see "What it means to trust it" in docs/homelab.md.',
    'The price of nodes outside AWS has moved before; see the Systems Manager pricing page, nothing is promised here.',
    '',
    'then: carrierarr homelab status',
    '',
  ].join('\n');

const activate = async (fleet: Fleet, options: ActivateOptions, json: boolean, io: Io): Promise<void> => {
  const expiresAt = new Date(io.now().getTime() + readHours(options.expires) * HOUR);
  const [{ SSMClient }, { clientSettings }, { clusterCommand, shellCommand }, { removeAll }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('../doors/clients.ts'),
    import('../homelab/instructions.ts'),
    import('../homelab/nodes.ts'),
  ]);
  const ssm = new SSMClient(clientSettings(fleet.region));
  if (options.replace === true) await removeAll(ssm, fleet.name);
  else await refuseSecond(ssm, fleet, io.now());
  const activation = await createActivation(ssm, fleet, expiresAt);
  const commands = { command: clusterCommand(activation), shellCommand: shellCommand(activation) };
  if (json) {
    io.out.write(`${JSON.stringify({ ...activation, expiresAt: expiresAt.toISOString(), ...commands })}\n`);
    return;
  }
  const where =
    options.shell === true
      ? 'Run this as one command on the machine (SSM agent, kubectl, liqoctl and jq installed):'
      : "Run this as one command in the clone, with kubectl on the homelab's cluster:";
  // On a pipe, the command alone is what can be used.
  io.err.write(`${paint(io.err, 'bold', where)}\n\n`);
  io.out.write(`${options.shell === true ? commands.shellCommand : commands.command}\n`);
  io.err.write(NOTES(expiresAt, fleet.name));
};

export const registerHomelabActivate = (homelab: Command, io: Io): void => {
  homelab
    .command('activate')
    .summary('make an activation and print the one command to run in the homelab')
    .description(
      "Makes an activation for the homelab's own node and prints the one command to run there: for a cluster whose nodes\n" +
        'have no shell (Talos), or with --shell for a machine. The code in it is a credential and works once.',
    )
    .option('--expires <hours>', `hours until it expires, at most ${MAXIMUM_HOURS}`, String(DEFAULT_HOURS))
    .option('--shell', 'print the command for a machine with a shell')
    .option('--replace', 'deregister the node and delete the activations there are, then make a new one')
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr homelab activate\n  $ carrierarr homelab activate --shell --expires 2',
    )
    .action(async (options: ActivateOptions, command: Command) => {
      readHours(options.expires);
      await activate(await openFleet(command, io), options, wantsJson(command), io);
    });
};
