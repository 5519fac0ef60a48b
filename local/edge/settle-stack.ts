import type { Upstream } from './upstream.ts';

const POLL_MS = 100;
const LIMIT_MS = 60_000;

const isUnderWay = (status: string | undefined): boolean =>
  status?.endsWith('_IN_PROGRESS') === true && status !== 'REVIEW_IN_PROGRESS';

/**
 * Holds a question about a stack back until the stack has settled. The CDK asks every five seconds, which on AWS is
 * nothing; here a stack is done in one, and the waiting would be most of a deployment.
 */
export const settleStack = async (body: string, upstream: Pick<Upstream, 'stackStatus'>): Promise<void> => {
  const stack = new URLSearchParams(body).get('StackName');
  if (stack === null) return;
  const deadline = Date.now() + LIMIT_MS;
  while (isUnderWay(await upstream.stackStatus(stack)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};
