import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { AwsEnvironment } from '../homelab/control-plane-environment.ts';
import type { ControlPlaneSecrets } from '../homelab/control-plane-secrets.ts';
import type { Io } from '../io.ts';
import { readText } from '../system/read-text.ts';

interface ControlPlaneOptions {
  readonly directory?: string;
  readonly secrets?: boolean;
  readonly write?: boolean | string;
}

const ENV_FILE = 'homelab/control-plane.env';

const NO_IDENTITY =
  'No trust anchor is deployed: the control plane tells AWS nothing, and idle workers stay until somebody tears them\n' +
  'down. To change that: carrierarr homelab certificate\n';

/** The one key of the fleet's that leaves AWS; the operator's policy does not let it be read. */
const readAgentKeys = async ({ outputs, region }: Fleet): Promise<string | undefined> => {
  const SecretId = outputs.find('agentKeySecret');
  if (SecretId === undefined) return undefined;
  const [{ GetSecretValueCommand, SecretsManagerClient }, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-secrets-manager'),
    import('../doors/clients.ts'),
  ]);
  try {
    const answer = await new SecretsManagerClient(clientSettings(region)).send(new GetSecretValueCommand({ SecretId }));
    return answer.SecretString;
  } catch (error) {
    if (!(error instanceof Error && /AccessDenied/.test(error.name))) throw error;
    throw new CommandError(EXIT.setup, {
      what: 'these credentials may not read the key of agent tokens',
      got: `secretsmanager:GetSecretValue on ${SecretId}`,
      remedy:
        'use those you deploy with: the policy for operators leaves this key out, since it can speak for any agent',
      cause: error,
    });
  }
};

const gatherSecrets = async (fleet: Fleet, folder: string): Promise<ControlPlaneSecrets> => {
  const { commandTokenIn, IDENTITY_FILES, readCertified } = await import('../homelab/identity-folder.ts');
  // What may be refused comes first, so that a refusal leaves nothing behind.
  const agentKeys = await readAgentKeys(fleet);
  const aws = await readCertified(folder, IDENTITY_FILES.controlPlane);
  return { agentKeys, aws, commandToken: await commandTokenIn(folder) };
};

const SECRETS_REMEDY = 'carrierarr homelab control-plane --secrets | kubectl apply -f -';

const writeSecrets = async (fleet: Fleet, folder: string, io: Io): Promise<void> => {
  if (io.out.isTerminal)
    throw new CommandError(EXIT.usage, {
      what: 'secrets are not shown on a terminal',
      remedy: `hand them on: ${SECRETS_REMEDY}`,
    });
  const { secretsDocument } = await import('../homelab/control-plane-secrets.ts');
  const secrets = await gatherSecrets(fleet, folder);
  io.out.write(secretsDocument(secrets));
  const parts = [
    secrets.agentKeys === undefined ? 'no key of agent tokens (agent.tokens is off)' : 'the key of agent tokens',
    `the token for commands (${folder}/command-token)`,
    secrets.aws === undefined
      ? `no certificate for AWS (none in ${folder}: carrierarr homelab certificate)`
      : 'the certificate for AWS',
  ];
  io.err.write(`Handed on: ${parts.join(', ')}.\n`);
};

const writeSettings = async (environment: AwsEnvironment, file: string, io: Io): Promise<void> => {
  const { fillIn } = await import('../homelab/control-plane-environment.ts');
  await writeFile(file, fillIn(await readText(file, 'the settings of the control plane'), environment));
  io.err.write(
    `${file} names this fleet's bus and identity. Next: kubectl apply -k homelab/, then\n${SECRETS_REMEDY}\n`,
  );
};

const controlPlane = async (fleet: Fleet, options: ControlPlaneOptions, json: boolean, io: Io): Promise<void> => {
  const [{ asLines, awsEnvironment }, { identityFolder }] = await Promise.all([
    import('../homelab/control-plane-environment.ts'),
    import('../homelab/identity-folder.ts'),
  ]);
  const folder = identityFolder(fleet.name, options.directory, io.environment);
  if (options.secrets === true) return writeSecrets(fleet, folder, io);
  const environment = awsEnvironment(fleet.outputs, fleet.region);
  if (json) {
    io.out.write(
      `${JSON.stringify({ environment: environment ?? {}, url: fleet.outputs.find('controlPlaneUrl') ?? null })}\n`,
    );
    return;
  }
  if (environment === undefined) {
    io.err.write(NO_IDENTITY);
    return;
  }
  if (options.write === undefined) io.out.write(asLines(environment));
  else await writeSettings(environment, resolve(options.write === true ? ENV_FILE : String(options.write)), io);
};

export const registerHomelabControlPlane = (homelab: Command, io: Io): void => {
  homelab
    .command('control-plane')
    .summary('what the control plane in the homelab has to be told: settings and secrets')
    .description(
      "Prints the settings by which the homelab's control plane reaches this fleet's bus. With --secrets it writes the\n" +
        'key of agent tokens, the token for commands (made at the first time, kept in --directory) and the certificate\n' +
        'for AWS as Kubernetes Secrets to a pipe: they touch no argument, no file of the clone and no screen.',
    )
    .option('--write [file]', `put the settings into this file (default: ${ENV_FILE})`)
    .option('--secrets', 'write the Secrets, for `kubectl apply -f -`')
    .option(
      '--directory <folder>',
      'where `homelab certificate` has put its files (default: ~/.config/carrierarr/<fleet>)',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr homelab control-plane --write && kubectl apply -k homelab/\n' +
        `  $ ${SECRETS_REMEDY}`,
    )
    .action(async (options: ControlPlaneOptions, command: Command) => {
      await controlPlane(await openFleet(command, io), options, wantsJson(command), io);
    });
};
