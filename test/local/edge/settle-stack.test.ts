import { describe, expect, it } from 'vitest';
import { settleStack } from '../../../local/edge/settle-stack.ts';

/** Statuses a stack goes through, one a look; the last one stays. */
const stack = (...statuses: (string | undefined)[]) => {
  let looks = 0;
  return {
    stackStatus: async () => {
      const status = statuses[Math.min(looks, statuses.length - 1)];
      looks += 1;
      return status;
    },
    looks: () => looks,
  };
};

const BODY = 'Action=DescribeStacks&StackName=carrierarr-fleet';

describe('a question about a stack', () => {
  it.each(['CREATE_COMPLETE', 'ROLLBACK_COMPLETE', 'REVIEW_IN_PROGRESS', undefined])(
    'is let through at once when the stack is %s',
    async (status) => {
      const upstream = stack(status);

      await settleStack(BODY, upstream);

      expect(upstream.looks()).toBe(1);
    },
  );

  it('is held back while the stack is under way', async () => {
    const upstream = stack('CREATE_IN_PROGRESS', 'CREATE_IN_PROGRESS', 'CREATE_COMPLETE');

    await settleStack(BODY, upstream);

    expect(upstream.looks()).toBe(3);
  });

  it('about all stacks is none of its business', async () => {
    const upstream = stack('CREATE_IN_PROGRESS');

    await settleStack('Action=DescribeStacks', upstream);

    expect(upstream.looks()).toBe(0);
  });
});
