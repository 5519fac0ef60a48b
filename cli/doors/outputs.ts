import { type CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import { FleetSettings, OUTPUT, stackName } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** What the deployed stacks say about themselves. */
export interface FleetOutputs {
  /** @throws CommandError (setup) when the stack, deployed by another version, does not have it */
  get(key: keyof typeof OUTPUT): string;
  find(key: keyof typeof OUTPUT): string | undefined;
  settings(): FleetSettings;
}

/** Undefined when no such stack exists; CloudFormation answers that with a ValidationError. */
export const describeStack = async (client: CloudFormationClient, name: string): Promise<Stack | undefined> => {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
    return Stacks?.[0];
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
};

const outputsOf = (stack: Stack | undefined): Map<string, string> =>
  new Map((stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? '']));

const notDeployed = (fleet: string, region: string): CommandError =>
  new CommandError(EXIT.setup, {
    what: `no fleet "${fleet}" is deployed here`,
    got: `no stack ${stackName(fleet, 'fleet')} in ${region}`,
    remedy:
      'deploy it with `npx cdk deploy --all`, start the embedded cloud with `carrierarr local up`, or choose another --region or --fleet',
  });

/**
 * Reads the outputs of the fleet and mesh stacks.
 *
 * @throws CommandError (setup) when the fleet is not deployed in that region
 */
export const readOutputs = async (
  client: CloudFormationClient,
  fleet: string,
  region: string,
): Promise<FleetOutputs> => {
  const [fleetStack, meshStack] = await Promise.all([
    describeStack(client, stackName(fleet, 'fleet')),
    describeStack(client, stackName(fleet, 'mesh')),
  ]);
  if (fleetStack === undefined) throw notDeployed(fleet, region);
  const values = new Map([...outputsOf(meshStack), ...outputsOf(fleetStack)]);
  const find = (key: keyof typeof OUTPUT): string | undefined => values.get(OUTPUT[key]);
  const get = (key: keyof typeof OUTPUT): string => {
    const value = find(key);
    if (value !== undefined) return value;
    throw new CommandError(EXIT.setup, {
      what: `the fleet's stacks have no output ${OUTPUT[key]}`,
      got: [...values.keys()].join(', ') || 'no outputs',
      remedy: 'the stacks come from another version of Carrierarr: run `npx cdk deploy --all`',
    });
  };
  return { get, find, settings: () => FleetSettings.parse(JSON.parse(get('settings'))) };
};
