import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { STACKS, stackName } from '#contract';
import { describeStack } from '../doors/outputs.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const verdict = (name: string, status: string | undefined, required: boolean): Finding => {
  const check = `stack ${name}`;
  const remedy = 'run `npx cdk deploy --all`';
  if (status === undefined) return required ? fail(check, 'not deployed', remedy) : warn(check, 'not deployed', remedy);
  if (/^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$/.test(status)) return ok(check, status);
  if (/_IN_PROGRESS$/.test(status)) return warn(check, status, 'wait for the deployment to end');
  return fail(
    check,
    status,
    "read the stack's events (`aws cloudformation describe-stack-events`), mend, deploy again",
  );
};

/** Images can also come from elsewhere, so only the other stacks are indispensable. */
export const checkStacks = async (client: CloudFormationClient, fleet: string): Promise<Finding[]> =>
  Promise.all(
    STACKS.map(async (stack) => {
      const name = stackName(fleet, stack);
      return verdict(name, (await describeStack(client, name))?.StackStatus, stack !== 'images');
    }),
  );
