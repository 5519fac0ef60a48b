import * as z from 'zod';
import { InputError, RequestError } from './errors.ts';
import { parseInput } from './input.ts';
import type { Log } from './logging.ts';
import { problemFrom } from './problem.ts';

/** One call over API Gateway, taken apart. */
export interface ProxyRequest {
  /** Values of the `{…}` segments of the route. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON; `{}` when nothing was sent. */
  readonly body: unknown;
}
export interface ProxyAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/workers/{name}` */
  readonly path: string;
  handle(request: ProxyRequest): Promise<ProxyAnswer>;
}
/** What API Gateway wants back from a Lambda proxy integration. */
export interface ProxyResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const MAXIMUM_BODY_BYTES = 16_384;
const RETRY_AFTER_SECONDS = '5';

const Headers = z.record(z.string(), z.string().optional()).nullish();
const Event = z.looseObject({
  httpMethod: z.string(),
  path: z.string(),
  headers: Headers,
  queryStringParameters: Headers,
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
  requestContext: z
    .looseObject({
      requestId: z.string().optional(),
      identity: z.looseObject({ userArn: z.string().nullish() }).optional(),
    })
    .optional(),
});
type Event = z.output<typeof Event>;

const matchPath = (pattern: string, path: string): Record<string, string> | undefined => {
  const wanted = pattern.split('/');
  const given = path.replace(/\/$/, '').split('/');
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith('{')) parameters[segment.slice(1, -1)] = value;
    else if (segment !== value) return undefined;
  }
  return parameters;
};

const findRoute = (routes: readonly Route[], method: string, path: string) => {
  const matches = routes.flatMap((route) => {
    const parameters = matchPath(route.path, path);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const match = matches.find(({ route }) => route.method === method);
  if (match !== undefined) return match;
  const methods = matches.map(({ route }) => route.method).join(', ');
  if (methods !== '') {
    throw new RequestError(405, {
      what: `${path} does not take this method`,
      got: method,
      allowed: methods,
      remedy: 'use one of the allowed methods',
    });
  }
  throw new RequestError(404, {
    what: 'there is no such resource',
    got: `${method} ${path}`,
    allowed: routes.map((route) => `${route.method} ${route.path}`).join(', '),
    remedy: 'call one of the allowed resources',
  });
};

const headerOf = (event: Event, name: string): string | undefined =>
  Object.entries(event.headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const what = error instanceof Error ? `not JSON: ${error.message}` : 'not JSON';
    throw new InputError([{ field: '(body)', what, got: text.slice(0, 80), allowed: 'a JSON object' }]);
  }
};

const readBody = (event: Event): unknown => {
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length === 0) return {};
  if (bytes.length > MAXIMUM_BODY_BYTES) {
    throw new RequestError(413, {
      what: 'the body is too large',
      got: `${bytes.length} bytes`,
      allowed: `at most ${MAXIMUM_BODY_BYTES} bytes`,
      remedy: 'send only the documented fields',
    });
  }
  const mediaType = headerOf(event, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    throw new RequestError(415, {
      what: 'the body is of a type that is not read here',
      got: mediaType ?? 'no content-type',
      allowed: 'application/json',
      remedy: 'send JSON with the header content-type: application/json',
    });
  }
  return parseJson(bytes.toString('utf8'));
};

const queryOf = (event: Event): Record<string, string> =>
  Object.fromEntries(
    Object.entries(event.queryStringParameters ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  );

const toResult = ({ status, body, headers }: ProxyAnswer, mediaType: string): ProxyResult => ({
  statusCode: status,
  headers: { 'content-type': mediaType, 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
});

const toProblem = (error: unknown, requestId: string, log: Log): ProxyResult => {
  const { status, body } = problemFrom(error, requestId);
  if (status >= 500) log.error('request failed', error as Error);
  else log.info('request refused', { status, problem: body });
  const headers = {
    ...(error instanceof RequestError && error.status === 405 && { allow: error.allowed ?? '' }),
    ...(status === 503 && { 'retry-after': RETRY_AFTER_SECONDS }),
  };
  return toResult({ status, body, headers }, 'application/problem+json');
};

/** Makes the handler of a Lambda behind API Gateway (REST, proxy integration): every error becomes problem+json. */
export const proxyHandler = (routes: readonly Route[], log: Log) => {
  return async (input: unknown): Promise<ProxyResult> => {
    log.resetKeys();
    let requestId = 'unknown';
    try {
      const event = parseInput(Event, input);
      requestId = event.requestContext?.requestId ?? requestId;
      const { httpMethod: method, path } = event;
      log.appendKeys({ requestId, method, path, caller: event.requestContext?.identity?.userArn });
      const { route, parameters } = findRoute(routes, method, path);
      const answer = await route.handle({ parameters, query: queryOf(event), body: readBody(event) });
      log.info('request served', { status: answer.status });
      return toResult(answer, 'application/json');
    } catch (error) {
      return toProblem(error, requestId, log);
    }
  };
};
