import type { Context } from 'hono';
import type { ProblemView } from '../views.ts';

const KINDS = {
  400: ['invalid-request', 'The request is not valid'],
  401: ['unauthenticated', 'No valid token'],
  403: ['commands-off', 'Commands are off'],
  404: ['not-found', 'Not found'],
  405: ['method-not-allowed', 'Method not allowed'],
  413: ['too-large', 'The body is too large'],
  500: ['internal', 'The request failed on our side'],
  502: ['not-delivered', 'The command was not sent'],
  503: ['unavailable', 'Not available at the moment'],
} as const;

export type ProblemStatus = keyof typeof KINDS;

/** An RFC 9457 answer: what was wrong, and what to do about it. */
export const problem = (
  context: Context,
  status: ProblemStatus,
  detail: string,
  remedy: string,
  headers: Readonly<Record<string, string>> = {},
): Response => {
  const [type, title] = KINDS[status];
  const body: ProblemView = { type: `urn:carrierarr:problem:${type}`, title, status, detail, remedy };
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json', ...headers });
};
