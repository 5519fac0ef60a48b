import { Command, Help } from 'commander';
import { registerLocalCommands } from '../local/commands.ts';
import manifest from '../package.json' with { type: 'json' };
import { registerAmi } from './commands/ami.ts';
import { registerCert } from './commands/cert.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerHomelab } from './commands/homelab.ts';
import { registerLogs } from './commands/logs.ts';
import { registerProvision } from './commands/provision.ts';
import { registerShell } from './commands/shell.ts';
import { registerStatus } from './commands/status.ts';
import { registerSweep } from './commands/sweep.ts';
import { registerTeardown } from './commands/teardown.ts';
import { EXIT_HELP } from './exit-codes.ts';
import type { Io } from './io.ts';
import { paint } from './render/output.ts';

const EXAMPLES = `
Examples:
  $ carrierarr doctor                              is everything in place?
  $ carrierarr provision                           one gpu-worker, named and addressed for you
  $ carrierarr provision gpu-7 --market on-demand  a name of your own, no Spot
  $ carrierarr status --watch                      the fleet, live
  $ carrierarr logs gpu-7                          what each phase did
  $ carrierarr teardown gpu-7                      gone, with proof
  $ carrierarr teardown --all --json               for scripts: one JSON object a line

${EXIT_HELP}

Environment: CARRIERARR_FLEET, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL (the embedded cloud),
CARRIERARR_CONTROL_PLANE_URL (where status asks for agents), NO_COLOR.
`;

/** Titles in bold, where there is colour at all. */
const configure = (program: Command, io: Io): Command =>
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      getOutHelpWidth: () => Math.min(io.out.columns, 110),
      getErrHelpWidth: () => Math.min(io.err.columns, 110),
      getOutHasColors: () => io.out.colour,
      getErrHasColors: () => io.err.colour,
    })
    .configureHelp({
      showGlobalOptions: true,
      // Lines end where the terminal does, and not where they end in the source.
      commandDescription: (command) => command.description().replaceAll('\n', ' '),
      styleTitle: (title) => paint(io.out, 'bold', title),
      subcommandTerm: (command) => new Help().subcommandTerm(command).replace(' [options]', ''),
    });

/** The whole command line. Importing it is cheap: whatever talks to AWS is imported by the action that needs it. */
export const buildProgram = (io: Io): Command => {
  const program = configure(new Command('carrierarr'), io)
    .description('Joins EC2 nodes to a homelab Kubernetes cluster and takes them away again, leaving nothing behind.')
    .option(
      '--fleet <name>',
      'which fleet, where an account has several',
      io.environment.CARRIERARR_FLEET ?? 'carrierarr',
    )
    .option('--region <region>', 'AWS region of the fleet (default: AWS_REGION, the profile, us-west-2)')
    .option('--json', 'answer in JSON, for machines')
    .option('--debug', 'show the stack trace of an error')
    .version(manifest.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES);

  program.commandsGroup('Workers:');
  registerProvision(program, io);
  registerStatus(program, io);
  registerLogs(program, io);
  registerShell(program, io);
  registerTeardown(program, io);
  program.commandsGroup('Fleet:');
  registerDoctor(program, io);
  registerAmi(program, io);
  registerCert(program, io);
  registerHomelab(program, io);
  registerSweep(program, io);
  program.commandsGroup('Without AWS:');
  registerLocalCommands(program, io);
  return program;
};
