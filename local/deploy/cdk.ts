import { dirname, join } from 'node:path';
import { projectDirectory, stateDirectory } from '../paths.ts';
import { inheritedEnvironment } from '../process/environment.ts';
import type { Program } from '../process/supervisor.ts';

export interface CdkSettings {
  /** The cloud's own directory: assembly, caches and logs of the CDK go there. */
  readonly directory: string;
  readonly logDirectory: string;
  /** The app's configuration file. */
  readonly configFile: string;
}

const CLI = join(projectDirectory, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** Where the synthesised templates lie. */
export const assemblyDirectory = (settings: Pick<CdkSettings, 'directory'>): string =>
  join(settings.directory, 'cdk.out');

/** One call of the real CDK command, on this Node, with nothing of the user's account. */
const cdk = (
  settings: CdkSettings,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = projectDirectory,
): Program => ({
  name: `cdk ${name}`,
  command: process.execPath,
  args: [CLI, name, ...args, '--no-color', '--no-notices'],
  cwd,
  logFile: join(settings.logDirectory, `cdk-${name}.log`),
  env: inheritedEnvironment({
    PATH: [join(projectDirectory, 'node_modules', '.bin'), dirname(process.execPath), process.env.PATH ?? ''].join(':'),
    // Three calls load the same megabytes; compiled once, they start in half the time.
    NODE_COMPILE_CACHE: join(stateDirectory(), 'node-cache'),
    CDK_HOME: join(settings.directory, 'cdk-home'),
    CDK_DISABLE_VERSION_CHECK: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CARRIERARR_CONFIG: settings.configFile,
    CI: 'true',
    ...env,
  }),
});

/** Needs no cloud. The templates' own validation is left to `npm run synth`: it takes seconds and says the same. */
export const cdkSynth = (settings: CdkSettings): Program =>
  cdk(settings, 'synth', ['--all', '--quiet', '--output', assemblyDirectory(settings)], {
    ...inertAws,
    CDK_VALIDATION: 'false',
  });

/** Runs where there is no `cdk.json`: with one, the command would synthesise the app first, only to look at it. */
export const cdkBootstrap = (
  settings: CdkSettings,
  environment: string,
  aws: Readonly<Record<string, string>>,
): Program => cdk(settings, 'bootstrap', [environment], aws, settings.directory);

export const cdkDeploy = (settings: CdkSettings, aws: Readonly<Record<string, string>>): Program =>
  cdk(
    settings,
    'deploy',
    [
      '--all',
      '--app',
      assemblyDirectory(settings),
      '--require-approval',
      'never',
      '--method',
      'direct',
      '--progress',
      'events',
    ],
    aws,
  );

/** Keeps the user's profiles away from a call that needs no AWS at all. */
const inertAws = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
