import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Command } from 'commander';
import type { Api } from './doors/api.ts';
import type { FleetOutputs } from './doors/outputs.ts';
import type { Io } from './io.ts';

/** Options of the program itself, valid before and after the name of the command. */
export interface GlobalOptions {
  readonly fleet: string;
  readonly region?: string;
  readonly json?: boolean;
}

/** The doors of one deployed fleet. */
export interface Fleet {
  readonly name: string;
  readonly region: string;
  readonly outputs: FleetOutputs;
  readonly api: Api;
  readonly sfn: SFNClient;
}

/**
 * Finds the fleet that the options mean. What talks to AWS is imported here and not before, which keeps `--help` fast.
 *
 * @throws CommandError (setup) when it is not deployed
 */
export const openFleet = async (command: Command, io: Io): Promise<Fleet> => {
  const options = command.optsWithGlobals<GlobalOptions>();
  io.interruption.arm();
  const [{ CloudFormationClient }, { SFNClient }, { createApi }, { readOutputs }, clients] = await Promise.all([
    import('@aws-sdk/client-cloudformation'),
    import('@aws-sdk/client-sfn'),
    import('./doors/api.ts'),
    import('./doors/outputs.ts'),
    import('./doors/clients.ts'),
  ]);
  const region = await clients.resolveRegion(options.region, io);
  const settings = clients.clientSettings(region);
  const cloudFormation = new CloudFormationClient(settings);
  const outputs = await readOutputs(cloudFormation, options.fleet, region);
  const api = createApi({
    url: outputs.get('apiUrl'),
    region,
    credentials: cloudFormation.config.credentials,
    endpoint: io.environment.AWS_ENDPOINT_URL,
  });
  return { name: options.fleet, region, outputs, api, sfn: new SFNClient(settings) };
};

export const wantsJson = (command: Command): boolean => command.optsWithGlobals<GlobalOptions>().json === true;
