import { describe, expect, it } from 'vitest';
import { ThrottledError } from '../../../lambda/shared/errors.ts';
import { type ProxyRequest, proxyHandler, type Route } from '../../../lambda/shared/proxy.ts';
import { createMemoryLog } from '../../fake/doors.ts';
import { aProxyEvent, bodyOf, problemOf } from '../../fake/proxy-event.ts';

const setUp = (failure?: Error) => {
  const log = createMemoryLog();
  const route = (method: Route['method'], path: string): Route => ({
    method,
    path,
    handle: async (request: ProxyRequest) => {
      if (failure !== undefined) throw failure;
      return { status: 202, body: request, headers: { location: 'things/a' } };
    },
  });
  const routes = [route('GET', '/things'), route('POST', '/things'), route('DELETE', '/things/{name}')];
  return { log, handler: proxyHandler(routes, log) };
};

describe('a call', () => {
  it('reaches its route with parameters, query and body', async () => {
    const { handler } = setUp();

    const deleted = await handler(aProxyEvent('DELETE', '/things/a', { queryStringParameters: { force: 'true' } }));
    const posted = await handler(aProxyEvent('POST', '/things/', { body: '{"name":"a"}' }));

    expect(bodyOf(deleted)).toEqual({ parameters: { name: 'a' }, query: { force: 'true' }, body: {} });
    expect(bodyOf(posted)).toMatchObject({ body: { name: 'a' } });
    expect(posted).toMatchObject({
      statusCode: 202,
      headers: { 'content-type': 'application/json', location: 'things/a' },
    });
  });

  it('may carry its body in base64, and its headers in any case', async () => {
    const { handler } = setUp();
    const body = Buffer.from('{"name":"ä"}').toString('base64');
    const headers = { 'CONTENT-TYPE': 'application/json; charset=utf-8' };

    const result = await handler(aProxyEvent('POST', '/things', { body, isBase64Encoded: true, headers }));

    expect(bodyOf(result)).toMatchObject({ body: { name: 'ä' } });
  });

  it('without a body asks for nothing', async () => {
    const { handler } = setUp();

    const result = await handler(aProxyEvent('POST', '/things', { headers: null }));

    expect(bodyOf(result)).toMatchObject({ body: {} });
  });
});

describe('a call that cannot be served', () => {
  it.each([
    ['an unknown path', aProxyEvent('GET', '/other'), 404, 'GET /things'],
    ['a path that goes on', aProxyEvent('DELETE', '/things/a/b'), 404, 'DELETE /things/{name}'],
    ['an unknown method', aProxyEvent('PATCH', '/things'), 405, 'GET, POST'],
    ['malformed JSON', aProxyEvent('POST', '/things', { body: '{"name":' }), 400, 'a JSON object'],
    [
      'another type of body',
      aProxyEvent('POST', '/things', {
        body: 'name=a',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      415,
      'application/json',
    ],
    ['a body of no type', aProxyEvent('POST', '/things', { body: '{}', headers: {} }), 415, 'application/json'],
    ['a large body', aProxyEvent('POST', '/things', { body: `"${'x'.repeat(20_000)}"` }), 413, 'at most 16384 bytes'],
  ])('for %s gets a problem that says what is allowed', async (_case, event, status, allowed) => {
    const { handler } = setUp();

    const result = await handler(event);

    expect(result.statusCode).toBe(status);
    expect(problemOf(result).faults[0]?.allowed).toContain(allowed);
    expect(problemOf(result).remedy).not.toBe('');
  });

  it('for its method is told the methods in the header as well', async () => {
    const { handler } = setUp();

    expect((await handler(aProxyEvent('PATCH', '/things'))).headers.allow).toBe('GET, POST');
  });

  it('since AWS throttles us is told when to come again', async () => {
    const { handler } = setUp(new ThrottledError({ what: 'dynamodb:Query was throttled', remedy: 'wait' }));

    const result = await handler(aProxyEvent('GET', '/things'));

    expect([result.statusCode, result.headers['retry-after']]).toEqual([503, '5']);
  });

  it('since we failed is logged with its error, and answered without it', async () => {
    const { handler, log } = setUp(new Error('table carrierarr-registry is not there'));

    const result = await handler(aProxyEvent('GET', '/things'));

    expect(result.statusCode).toBe(500);
    expect(result.body).not.toContain('carrierarr-registry');
    expect(problemOf(result).detail).toContain('request-1');
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('is answered even when it is no call at all', async () => {
    const { handler } = setUp();

    expect((await handler({ Records: [] })).statusCode).toBe(400);
  });
});
