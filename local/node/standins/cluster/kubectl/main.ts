import { KubeError, TlsError } from '../client/kube-client.ts';
import { ConfigError } from '../client/kubeconfig.ts';
import { DialError } from '../dial.ts';
import { commandWords, FlagError, type FlagSpec, parseFlags } from '../flags.ts';
import { Exit } from '../program.ts';
import { ProxyError } from '../proxy.ts';
import { config } from './config.ts';
import { deleteObjects } from './delete.ts';
import { cordon, drain, uncordon } from './drain.ts';
import { get } from './get.ts';
import { auth, logs, version } from './look.ts';
import { annotate, label, taint } from './mark.ts';
import { GLOBAL, merged, Session } from './session.ts';
import { wait } from './wait.ts';
import { apply, create, patch, replace } from './write.ts';

interface Command {
  readonly flags: FlagSpec;
  readonly run: (session: Session) => Promise<number>;
}

const FILES = { f: 'filename', o: 'output', l: 'selector', A: 'all-namespaces' };
const WRITING: FlagSpec = {
  switches: ['server-side', 'force-conflicts', 'validate', 'overwrite', 'force', 'wait', 'save-config', 'recursive'],
  values: ['filename', 'output', 'field-manager', 'dry-run', 'raw', 'from-literal', 'from-file', 'type', 'selector'],
  short: { ...FILES, R: 'recursive' },
};
const MARKING: FlagSpec = {
  switches: ['overwrite', 'all', 'all-namespaces', 'local', 'list'],
  values: ['selector', 'output', 'filename', 'field-manager', 'dry-run', 'resource-version', 'field-selector'],
  short: FILES,
};
const CORDON: FlagSpec = { switches: [], values: ['selector', 'dry-run'], short: { l: 'selector' } };

const COMMANDS: Readonly<Record<string, Command>> = {
  get: {
    flags: {
      switches: [
        'all-namespaces',
        'ignore-not-found',
        'no-headers',
        'show-labels',
        'show-kind',
        'watch',
        'allow-missing-template-keys',
      ],
      values: ['output', 'selector', 'field-selector', 'raw', 'sort-by', 'chunk-size', 'subresource'],
      short: { ...FILES, w: 'watch', L: 'label-columns' },
    },
    run: get,
  },
  apply: { flags: WRITING, run: apply },
  create: { flags: WRITING, run: create },
  replace: { flags: WRITING, run: replace },
  patch: {
    flags: {
      switches: ['local'],
      values: ['patch', 'patch-file', 'type', 'output', 'subresource', 'dry-run', 'field-manager'],
      short: { p: 'patch', o: 'output' },
    },
    run: patch,
  },
  delete: {
    flags: {
      switches: ['ignore-not-found', 'wait', 'all', 'all-namespaces', 'force', 'now', 'interactive'],
      values: [
        'filename',
        'selector',
        'timeout',
        'grace-period',
        'cascade',
        'output',
        'raw',
        'field-selector',
        'dry-run',
      ],
      short: FILES,
    },
    run: deleteObjects,
  },
  label: { flags: MARKING, run: label },
  annotate: { flags: MARKING, run: annotate },
  taint: { flags: MARKING, run: taint },
  wait: {
    flags: {
      switches: ['all', 'all-namespaces', 'local'],
      values: ['for', 'timeout', 'selector', 'field-selector', 'output', 'filename'],
      short: FILES,
    },
    run: wait,
  },
  drain: {
    flags: {
      switches: ['ignore-daemonsets', 'delete-emptydir-data', 'force', 'disable-eviction'],
      values: [
        'timeout',
        'grace-period',
        'pod-selector',
        'skip-wait-for-delete-timeout',
        'selector',
        'chunk-size',
        'dry-run',
      ],
      short: { l: 'selector' },
    },
    run: drain,
  },
  cordon: { flags: CORDON, run: cordon },
  uncordon: { flags: CORDON, run: uncordon },
  logs: {
    flags: {
      switches: ['all-containers', 'previous', 'timestamps', 'prefix', 'ignore-errors', 'follow'],
      values: [
        'tail',
        'since',
        'since-time',
        'limit-bytes',
        'container',
        'selector',
        'pod-running-timeout',
        'max-log-requests',
      ],
      short: { c: 'container', l: 'selector', p: 'previous', f: 'follow' },
    },
    run: logs,
  },
  version: { flags: { switches: ['client'], values: ['output'], short: { o: 'output' } }, run: version },
  auth: {
    flags: {
      switches: ['all-namespaces', 'quiet', 'list'],
      values: ['subresource'],
      short: { A: 'all-namespaces', q: 'quiet' },
    },
    run: auth,
  },
  config: {
    flags: {
      switches: ['raw', 'minify', 'flatten', 'current', 'embed-certs', 'no-headers'],
      values: ['output', 'proxy-url', 'username', 'password'],
      short: { o: 'output' },
    },
    run: config,
  },
};

/** The first word that is no flag of every command. */
export const kubectlVerb = (argv: readonly string[]): string | undefined => commandWords(argv, GLOBAL)[0];

/** What kubectl prints for an error. */
export const wordedError = (error: unknown, verb: string, server: string): string => {
  if (error instanceof KubeError) {
    if (error.reason === 'UnknownResource') return `error: ${error.message}`;
    if (error.reason === 'NoMatch') return `error: ${error.message}`;
    return `Error from server${error.reason === '' ? '' : ` (${error.reason})`}: ${error.message}`;
  }
  if (error instanceof FlagError) return `error: ${error.message}\nSee 'kubectl ${verb} --help' for usage.`;
  if (error instanceof DialError && error.code === 'ECONNREFUSED') {
    return `The connection to the server ${server} was refused - did you specify the right host or port?`;
  }
  if (error instanceof DialError || error instanceof ProxyError || error instanceof TlsError) {
    return `Unable to connect to the server: ${error.message}`;
  }
  if (error instanceof ConfigError) return `error: ${error.message}`;
  return `error: ${error instanceof Error ? error.message : String(error)}`;
};

const serverOf = (session: Session | undefined): string => {
  try {
    return new URL(session?.client.config.server ?? '').host;
  } catch {
    return 'localhost:8080';
  }
};

/** The whole program; {@link Exit} carries what it says last. */
export const kubectl = async (argv: readonly string[]): Promise<number> => {
  const verb = kubectlVerb(argv);
  if (verb === undefined) throw new Exit(1, 'kubectl controls the Kubernetes cluster manager.');
  const command = COMMANDS[verb];
  if (command === undefined) throw new Exit(1, `error: unknown command "${verb}" for "kubectl"`);
  let session: Session | undefined;
  try {
    session = new Session(verb, parseFlags(argv, merged(command.flags)));
    return await command.run(session);
  } catch (error) {
    if (error instanceof Exit) throw error;
    throw new Exit(1, wordedError(error, verb, serverOf(session)));
  }
};
