import { AwsRefusal } from '../protocol/refusal.ts';

/** One page of a list. @throws AwsRefusal InvalidNextToken */
export const slice = <T>(items: readonly T[], maxResults: number | undefined, nextToken: string | undefined) => {
  const start = nextToken === undefined ? 0 : Number(nextToken);
  if (!Number.isInteger(start)) throw new AwsRefusal('InvalidNextToken', `The token '${nextToken}' is not valid`);
  const end = start + (maxResults ?? 50);
  return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : undefined };
};
