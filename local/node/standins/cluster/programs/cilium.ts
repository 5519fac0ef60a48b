import { connect, disable, enable, meshStatus } from '../cilium/clustermesh.ts';
import { install, uninstall, upgrade } from '../cilium/install.ts';
import { CiliumSession } from '../cilium/session.ts';
import { status, version, viewConfig } from '../cilium/status.ts';
import { commandWords, FlagError, type FlagSpec, parseFlags } from '../flags.ts';
import { Exit, runProgram } from '../program.ts';

interface Command {
  readonly flags: FlagSpec;
  readonly run: (session: CiliumSession) => Promise<void>;
}

const GLOBAL: FlagSpec = {
  switches: ['help'],
  values: ['context', 'namespace', 'helm-release-name', 'kubeconfig', 'as', 'as-group'],
  short: { n: 'namespace', h: 'help' },
};
const CHART = [
  'version',
  'set',
  'set-string',
  'set-file',
  'values',
  'chart-directory',
  'repository',
  'wait-duration',
  'datapath-mode',
];
const WAITING: FlagSpec = {
  switches: ['wait', 'interactive', 'ignore-warnings', 'verbose', 'brief'],
  values: ['wait-duration', 'output', 'worker-count'],
  short: { o: 'output' },
};

/** Commands and flags of v0.16.24. */
const COMMANDS: Readonly<Record<string, Command>> = {
  install: {
    flags: {
      switches: ['wait', 'dry-run', 'dry-run-helm-values', 'list-versions'],
      values: [...CHART, 'nodes-without-cilium', 'disable-check'],
      short: { f: 'values' },
    },
    run: install,
  },
  upgrade: {
    flags: {
      switches: ['wait', 'dry-run', 'dry-run-helm-values', 'list-versions', 'reset-values', 'reuse-values'],
      values: [...CHART, 'nodes-without-cilium', 'disable-check'],
      short: { f: 'values' },
    },
    run: upgrade,
  },
  uninstall: { flags: { switches: ['wait'], values: ['test-namespace', 'timeout'] }, run: uninstall },
  status: { flags: WAITING, run: status },
  version: { flags: { switches: ['client'] }, run: version },
  'config-view': { flags: {}, run: viewConfig },
  'clustermesh-enable': {
    flags: { switches: ['enable-external-workloads', 'enable-kvstoremesh'], values: ['service-type'] },
    run: enable,
  },
  'clustermesh-disable': { flags: {}, run: disable },
  'clustermesh-connect': {
    flags: {
      values: ['destination-context', 'source-endpoint', 'destination-endpoint', 'connection-mode', 'parallel'],
    },
    run: connect,
  },
  'clustermesh-status': { flags: WAITING, run: meshStatus },
};

const GROUPS = ['config', 'clustermesh'];

const verbOf = (argv: readonly string[]): string | undefined => {
  const [first = '', second = ''] = commandWords(argv, GLOBAL);
  return GROUPS.includes(first) ? `${first}-${second}` : first || undefined;
};

const main = async (argv: readonly string[]): Promise<number> => {
  const verb = verbOf(argv) ?? '';
  const command = COMMANDS[verb];
  if (command === undefined) throw new Exit(1, `Error: unknown command "${verb.replace('-', ' ')}" for "cilium"`);
  const { switches = [], values = [], short = {} } = command.flags;
  try {
    const flags = parseFlags(argv, {
      switches: [...(GLOBAL.switches ?? []), ...switches],
      values: [...(GLOBAL.values ?? []), ...values],
      short: { ...GLOBAL.short, ...short },
    });
    await command.run(new CiliumSession(flags, flags.get('context')));
    return 0;
  } catch (error) {
    if (error instanceof Exit) throw error;
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof FlagError)
      throw new Exit(1, `Error: ${text}\nUsage:\n  cilium ${verb.replace('-', ' ')} [flags]\n`);
    throw new Exit(1, `\nError: Unable to ${verb.replace('-', ' ')}: ${text}`);
  }
};

await runProgram('cilium', verbOf, main);
