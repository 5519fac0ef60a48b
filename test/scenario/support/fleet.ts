import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { describe, inject } from 'vitest';
import { OUTPUT, stackName } from '#contract';
import { type Api, createApi } from '../../../cli/doors/api.ts';
import type { FaultSpec } from '../../../local/edge/faults.ts';

const REGION = 'us-west-2';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

const cloud = inject('cloud');

/** Scenarios run side by side on one cloud; without a cloud they are skipped, and the setup has said why. */
export const describeScenario = describe.skipIf(!cloud.available).concurrent;

export const endpoint = cloud.available ? cloud.endpoint : 'http://127.0.0.1:9';
const connection = { region: REGION, endpoint, credentials };

export const clients = {
  states: new SFNClient(connection),
  ec2: new EC2Client(connection),
  secrets: new SecretsManagerClient(connection),
  events: new EventBridgeClient(connection),
  logs: new CloudWatchLogsClient(connection),
};

export const fleet = cloud.available ? cloud.fleet : 'carrierarr';

/** Directory of the cloud's logs, the Lambdas' among them. */
export const logDirectory = cloud.available ? cloud.logDirectory : '';

type OutputName = (typeof OUTPUT)[keyof typeof OUTPUT];
let outputs: Promise<ReadonlyMap<string, string>> | undefined;

const readOutputs = async (): Promise<ReadonlyMap<string, string>> => {
  const client = new CloudFormationClient(connection);
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName(fleet, 'fleet') }));
  return new Map((Stacks?.[0]?.Outputs ?? []).map((output) => [output.OutputKey ?? '', output.OutputValue ?? '']));
};

/** An output of the fleet's stack: the public face that a user has as well. */
export const output = async (name: OutputName): Promise<string> => {
  outputs ??= readOutputs();
  const value = (await outputs).get(name);
  if (value === undefined) throw new Error(`the fleet stack has no output ${name}`);
  return value;
};

/** The API, called with a signature as the command does. */
export const api = async (): Promise<Api> =>
  createApi({ url: await output(OUTPUT.apiUrl), region: REGION, credentials, endpoint });

/** Makes AWS, or a node, fail on demand. Name a worker in `match` so that other scenarios are not struck. */
export const injectFaults = async (...faults: readonly FaultInput[]): Promise<void> => {
  const answer = await fetch(`${endpoint}/_edge/faults`, { method: 'POST', body: JSON.stringify(faults) });
  if (!answer.ok) throw new Error(`the edge refused the fault: ${await answer.text()}`);
};

/** A fault as a test writes it: what has a default may be left out. */
export type FaultInput = Omit<FaultSpec, 'times' | 'after' | 'effect'> & {
  readonly times?: number;
  readonly after?: number;
  readonly effect: Readonly<Record<string, unknown>> & { readonly kind: FaultSpec['effect']['kind'] };
};

const countStrikes = async (counts: (spec: FaultSpec) => boolean): Promise<number> => {
  const answer = await fetch(`${endpoint}/_edge/faults`);
  const listed = (await answer.json()) as { spec: FaultSpec; struck: number }[];
  return listed.filter(({ spec }) => counts(spec)).reduce((sum, { struck }) => sum + struck, 0);
};

/** How often each fault struck, by its `match`. */
export const strikes = (match: string): Promise<number> => countStrikes((spec) => spec.match === match);

/** How often a call was struck that carries no worker's name, whoever made it. */
export const strikesAtAnyone = (service: string, action: string): Promise<number> =>
  countStrikes((spec) => spec.match === undefined && spec.service === service && spec.action === action);

let counter = 0;
const run = Date.now().toString(36).slice(-4);

/** A worker's name that no other scenario uses. */
export const uniqueName = (hint: string): string => {
  counter += 1;
  return `${hint}-${run}${process.pid.toString(36)}${counter.toString(36)}w`;
};

/** Has EC2 warn a Spot worker, which it takes back after the time. */
export const interruptWorker = async (worker: string, seconds: number): Promise<void> => {
  const answer = await fetch(`${endpoint}/_edge/interruptions`, {
    method: 'POST',
    body: JSON.stringify({ worker, seconds }),
  });
  if (!answer.ok) throw new Error(`${worker} cannot be interrupted: ${await answer.text()}`);
};
