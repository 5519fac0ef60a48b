import { KubeClient } from '../client/kube-client.ts';
import { FlagError, type Flags, parseFlags } from '../flags.ts';
import { Exit } from '../program.ts';
import type { Command, Context } from './command.ts';
import { COMMANDS } from './commands.ts';
import { Printer } from './printer.ts';

const ACCESS = ['kubeconfig', 'context', 'cluster', 'user'];
const SWITCHES = ['skip-confirm', 'verbose'];
const VALUES = [...ACCESS, 'global-labels', 'global-annotations'];

const refuse = (message: string): never => {
  throw new Exit(1, `Error: ${message}`);
};

/** The command that the first words name: the longest that fits. */
export const commandOf = (argv: readonly string[]): Command | undefined => {
  const words: string[] = [];
  for (const word of argv) {
    if (word.startsWith('-') || words.length === 2) break;
    words.push(word);
  }
  const named = (path: string): Command | undefined => COMMANDS.find((command) => command.path === path);
  return named(words.join(' ')) ?? named(words[0] ?? '');
};

/** For the knobs: `generate-peering-user`. */
export const verbOf = (argv: readonly string[]): string | undefined => commandOf(argv)?.path.replaceAll(' ', '-');

const flagsOf = (command: Command, argv: readonly string[]): Flags => {
  const remote = command.twoClusters === true ? ACCESS.map((name) => `remote-${name}`) : [];
  try {
    return parseFlags(argv, {
      switches: [...SWITCHES, ...(command.switches ?? [])],
      values: [...VALUES, ...remote, ...(command.values ?? [])],
      short: { v: 'verbose', ...command.short },
    });
  } catch (error) {
    if (error instanceof FlagError) return refuse(error.message);
    throw error;
  }
};

const check = (command: Command, flags: Flags): void => {
  const [first] = flags.positional;
  if (command.names === undefined && first !== undefined) {
    refuse(`unknown command "${first}" for "liqoctl ${command.path}"`);
  }
  if (command.names === 'one' && flags.positional.length !== 1) {
    refuse(`accepts 1 arg(s), received ${flags.positional.length}`);
  }
  const missing = (command.required ?? []).filter((name) => !flags.has(name)).map((name) => `"${name}"`);
  if (missing.length > 0) refuse(`required flag(s) ${missing.join(', ')} not set`);
};

/** Runs one command line, as liqoctl 1.2.0 would. */
export const liqoctl = async (argv: readonly string[]): Promise<number> => {
  const command = commandOf(argv);
  if (command === undefined) {
    const [word = ''] = argv;
    return word === '' ? 0 : refuse(`unknown command "${word}" for "liqoctl"`);
  }
  const flags = flagsOf(command, argv.slice(command.path.split(' ').length));
  check(command, flags);
  const printer = new Printer(command.twoClusters === true ? 'local' : '');
  if (command.asks !== undefined && !flags.on('skip-confirm')) {
    process.stdout.write(`${command.asks} is a potentially destructive command.\n`);
    throw new Exit(1, 'action aborted');
  }
  const context: Context = {
    flags,
    printer,
    local: () => KubeClient.open({ kubeconfig: flags.get('kubeconfig'), context: flags.get('context') }),
    remote: () => KubeClient.open({ kubeconfig: flags.get('remote-kubeconfig'), context: flags.get('remote-context') }),
  };
  return await command.run(context);
};
