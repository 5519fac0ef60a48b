import { type Command, Option } from 'commander';
import type { Io } from '../cli/index.ts';
import type { DemoOptions } from './demo.ts';
import type { InterruptOptions } from './interrupt.ts';

/** Options that more than one of the commands take. */
export interface LocalOptions {
  readonly name: string;
  readonly nodes?: 'mesh' | 'sandbox' | 'played';
}

const nameOption = (): Option =>
  new Option('--name <name>', 'which embedded cloud; several run side by side').default('default');

const nodesOption = (): Option =>
  new Option('--nodes <kind>', 'how EC2 instances are played (default: the best this machine can do)').choices([
    'mesh',
    'sandbox',
    'played',
  ]);

const addLife = (local: Command, io: Io): void => {
  local
    .command('up')
    .summary('start an embedded cloud and deploy the fleet into it')
    .description('Starts an embedded cloud in the background and deploys the fleet into it.')
    .addOption(nameOption())
    .addOption(nodesOption())
    .addHelpText('after', '\nThen:\n  $ eval "$(carrierarr local env)"\n  $ carrierarr provision')
    .action(async (options: LocalOptions) => (await import('./up.ts')).up(options, io));
  local
    .command('down')
    .summary('end it, and everything in it')
    .description('Ends an embedded cloud with everything in it. Safe to repeat.')
    .addOption(nameOption())
    .option('--all', 'every embedded cloud of this clone')
    .action(async (options: LocalOptions & { all?: boolean }) => (await import('./down.ts')).down(options, io));
  local
    .command('serve', { hidden: true })
    .description('Runs an embedded cloud in the foreground; `up` starts this.')
    .addOption(nameOption())
    .addOption(nodesOption())
    .action(async (options: LocalOptions) => (await import('./serve.ts')).serve(options));
};

const addViews = (local: Command, io: Io): void => {
  local
    .command('env')
    .summary('print what a shell must set to reach it')
    .description('Prints what a shell must set so that carrierarr, the AWS CLI and SDKs reach the embedded cloud.')
    .addOption(nameOption())
    .addHelpText('after', '\nExample:\n  $ eval "$(carrierarr local env)"')
    .action(async (options: LocalOptions, command: Command) =>
      (await import('./show.ts')).showEnvironment(options, command.optsWithGlobals(), io),
    );
  local
    .command('status')
    .summary('show the embedded clouds of this clone')
    .description('Shows the embedded clouds of this clone.')
    .action(async (_options: unknown, command: Command) =>
      (await import('./show.ts')).showClouds(command.optsWithGlobals(), io),
    );
};

const addInterrupt = (local: Command, io: Io): void => {
  local
    .command('interrupt')
    .argument('<worker>', 'a worker whose instance is of the Spot market')
    .summary('let EC2 take a Spot instance back')
    .description("EC2's notice to a worker's Spot instance, which goes when the time is over.")
    .addOption(nameOption())
    .option('--seconds <seconds>', 'from the notice until EC2 takes the instance', '120')
    .option('--rebalance', 'only recommend to leave it')
    .action(async (worker: string, options: InterruptOptions) =>
      (await import('./interrupt.ts')).interrupt(worker, options, io),
    );
};

const addDemo = (local: Command, io: Io): void => {
  local
    .command('demo')
    .summary('see it all: deploy, provision, tear down, prove')
    .description(
      'Brings an embedded cloud up, provisions a lighthouse and a gpu-worker, shows the fleet, its page and a\n' +
        'certificate, tears both down, proves that nothing is left, and ends everything it started.',
    )
    .addOption(nodesOption())
    .option('--stay', 'wait for Enter before the teardown, to look round')
    .action(async (options: DemoOptions) => (await import('./demo.ts')).demo(options, io));
};

/** Adds `carrierarr local …`. What a command needs is imported by its action, so that `--help` stays fast. */
export const registerLocalCommands = (program: Command, io: Io): void => {
  const local = program
    .command('local')
    .summary('the whole fleet on this machine, without an AWS account')
    .description(
      'An embedded cloud: the real templates, state machines, functions and scripts on this machine, without AWS.\n' +
        'Everything it starts listens on the loopback interface and keeps its files below .carrierarr/.',
    );
  addLife(local, io);
  addViews(local, io);
  addInterrupt(local, io);
  addDemo(local, io);
};
