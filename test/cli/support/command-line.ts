import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { OUTPUT } from '#contract';
import type { Io } from '../../../cli/io.ts';
import { main } from '../../../cli/main.ts';
import { mockClient } from '../../support/mock-client.ts';
import { type FakeApi, startFakeApi } from './api-server.ts';
import { fleetSettings, machineArn, NOW } from './builders.ts';
import { recordedOutput } from './output.ts';

/** Credentials for the signature; nothing checks them. */
const ENVIRONMENT = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-west-2', PATH: '' };

const stack = (outputs: Record<string, string>) => ({
  Stacks: [
    {
      StackName: 'stack',
      CreationTime: NOW,
      StackStatus: 'CREATE_COMPLETE' as const,
      Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    },
  ],
});

const fleetOutputs = (api: FakeApi, settings = fleetSettings()) => ({
  [OUTPUT.apiUrl]: api.url,
  [OUTPUT.provisionStateMachine]: machineArn('provision'),
  [OUTPUT.teardownStateMachine]: machineArn('teardown'),
  [OUTPUT.renewStateMachine]: machineArn('renew'),
  [OUTPUT.sweepStateMachine]: machineArn('sweep'),
  [OUTPUT.homelabRole]: 'carrierarr-homelab-us-west-2',
  [OUTPUT.settings]: JSON.stringify(settings),
});

export interface RunOptions {
  readonly terminal?: boolean;
  readonly answer?: string;
  readonly interruption?: Io['interruption'];
  readonly environment?: NodeJS.ProcessEnv;
}

/** One command line against a deployed fleet whose doors are fakes: CloudFormation, Step Functions and the API. */
export const deployedFleet = async () => {
  const api = await startFakeApi();
  const cloudFormation = mockClient(CloudFormationClient);
  const sfn = mockClient(SFNClient);
  for (const [key, value] of Object.entries(ENVIRONMENT)) if (key !== 'PATH') process.env[key] = value;
  cloudFormation.on(DescribeStacksCommand, { StackName: 'carrierarr-fleet' }).resolves(stack(fleetOutputs(api)));
  cloudFormation
    .on(DescribeStacksCommand, { StackName: 'carrierarr-mesh' })
    .resolves(stack({ [OUTPUT.trustStep]: 'append the CA to pki.ca', [OUTPUT.caFingerprint]: 'ef'.repeat(32) }));

  const run = async (line: string | readonly string[], options: RunOptions = {}) => {
    const out = recordedOutput({ isTerminal: options.terminal === true });
    const err = recordedOutput();
    const { answer } = options;
    const questions: string[] = [];
    const code = await main(typeof line === 'string' ? line.split(' ').filter(Boolean) : line, {
      out,
      err,
      environment: { ...ENVIRONMENT, ...options.environment },
      pollMilliseconds: 0,
      now: () => NOW,
      ask:
        answer === undefined
          ? undefined
          : async (question) => {
              questions.push(question);
              return answer;
            },
      interruption: options.interruption ?? {
        signal: new AbortController().signal,
        notice: '',
        arm: () => {},
        disarm: () => {},
      },
    });
    return { code, out: out.text(), err: err.text(), questions };
  };

  return {
    api,
    cloudFormation,
    sfn,
    run,
    /** What Step Functions tells of an execution, newest event first as the command asks for it. */
    history: (executionArn: string, events: readonly HistoryEvent[]) =>
      sfn.on(GetExecutionHistoryCommand, { executionArn }).resolves({ events: events.toReversed() }),
    close: async () => {
      cloudFormation.restore();
      sfn.restore();
      await api.close();
    },
  };
};

export type DeployedFleet = Awaited<ReturnType<typeof deployedFleet>>;
