import { Problem } from '#contract';
import type { ProxyResult } from '../../lambda/shared/proxy.ts';

export interface ProxyEventOverrides {
  readonly headers?: Record<string, string> | null;
  readonly queryStringParameters?: Record<string, string> | null;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

/** What API Gateway (REST, proxy integration) hands to a Lambda. */
export const aProxyEvent = (httpMethod: string, path: string, overrides: ProxyEventOverrides = {}) => ({
  resource: path,
  path,
  httpMethod,
  headers: { 'Content-Type': 'application/json', Host: 'id.execute-api.us-west-2.amazonaws.com' },
  queryStringParameters: null,
  pathParameters: null,
  stageVariables: null,
  requestContext: {
    requestId: 'request-1',
    stage: 'v1',
    identity: { userArn: 'arn:aws:iam::111122223333:user/operator' },
  },
  body: null,
  isBase64Encoded: false,
  ...overrides,
});

export const bodyOf = (result: ProxyResult): unknown => JSON.parse(result.body);

/** @throws when the answer is not problem+json of the contract */
export const problemOf = (result: ProxyResult): Problem => {
  if (result.headers['content-type'] !== 'application/problem+json') throw new Error(`no problem: ${result.body}`);
  return Problem.parse(bodyOf(result));
};
