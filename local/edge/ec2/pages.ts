import { AwsRefusal } from '../protocol/refusal.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

const PREFIX = 'page-';

/** Cuts one page out of a list; the token carries the offset. @throws AwsRefusal InvalidNextToken */
export const page = <T>(
  items: readonly T[],
  maxResults: number | undefined,
  nextToken: string | undefined,
): Page<T> => {
  const start = nextToken === undefined ? 0 : Number(nextToken.replace(PREFIX, ''));
  if (!Number.isInteger(start) || (nextToken !== undefined && !nextToken.startsWith(PREFIX))) {
    throw new AwsRefusal('InvalidNextToken', `The token '${nextToken}' is invalid`);
  }
  const end = maxResults === undefined ? items.length : start + maxResults;
  return { items: items.slice(start, end), nextToken: end < items.length ? `${PREFIX}${end}` : undefined };
};
