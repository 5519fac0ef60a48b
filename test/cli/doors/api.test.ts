import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, baseUrl, createApi } from '../../../cli/doors/api.ts';
import { type FakeApi, startFakeApi } from '../support/api-server.ts';
import { aProblem, aWorker } from '../support/builders.ts';

let server: FakeApi;
let api: Api;
beforeEach(async () => {
  server = await startFakeApi();
  const credentials = async () => ({ accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'token' });
  api = createApi({ url: server.url, region: 'us-west-2', credentials, endpoint: undefined });
});
afterEach(() => server.close());

describe('baseUrl', () => {
  const url = 'https://abc123.execute-api.us-west-2.amazonaws.com/prod/';

  it('is the API itself on AWS', () => {
    expect(baseUrl(url, undefined).href).toBe(url);
  });

  it('goes through the endpoint of the embedded cloud', () => {
    expect(baseUrl(url, 'http://127.0.0.1:4566').href).toBe('http://127.0.0.1:4566/_aws/execute-api/abc123/prod/');
    expect(baseUrl(url.slice(0, -1), 'http://127.0.0.1:4566/').href).toBe(
      'http://127.0.0.1:4566/_aws/execute-api/abc123/prod/',
    );
  });

  it('leaves an address that is no API Gateway as it is', () => {
    expect(baseUrl(server.url, 'http://127.0.0.1:4566').href).toBe(server.url);
  });
});

describe('the API', () => {
  it('tells a new worker from one that was there', async () => {
    const body = { name: 'a', address: '10.100.2.1', generation: 'g', execution: 'arn' };
    server.answer('POST /workers', { status: 202, body }, { status: 200, body });

    expect((await api.provision({ name: 'a' })).created).toBe(true);
    expect((await api.provision({ name: 'a' })).created).toBe(false);
  });

  it('asks again when the API is busy, three times at most', async () => {
    const busy = { status: 429, body: { message: 'Too Many Requests' } };
    server.answer('GET /workers', busy, { status: 200, body: { workers: [aWorker()] } });
    expect(await api.workers()).toHaveLength(1);

    server.answer('GET /workers', busy);
    await expect(api.workers()).rejects.toMatchObject({
      exitCode: 1,
      facts: { remedy: expect.stringContaining('wait') },
    });
    expect(server.requests).toHaveLength(2 + 3);
  });

  it('sends a request without a name once only, since each would be another worker', async () => {
    server.answer('POST /workers', { status: 500, body: {} });

    await expect(api.provision({})).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });

  it('does not repeat what was refused for good', async () => {
    server.answer('GET /workers/a', { status: 404, body: aProblem({ status: 404 }) });

    await expect(api.worker('a')).rejects.toMatchObject({ exitCode: 3 });
    expect(server.requests).toHaveLength(1);
  });

  it('shows every fault of a refused request', async () => {
    const faults = [{ field: 'market', what: 'not valid', got: 'cheap', allowed: 'spot, on-demand' }];
    server.answer('POST /workers', { status: 400, body: aProblem({ status: 400, title: 'InputError', faults }) });

    await expect(api.provision({ name: 'a' })).rejects.toMatchObject({ exitCode: 2, faults });
  });

  it('understands refusals of API Gateway itself', async () => {
    server.answer('GET /workers', { status: 403, body: { message: 'Missing Authentication Token' } });

    await expect(api.workers()).rejects.toMatchObject({
      exitCode: 5,
      facts: { got: '{"message":"Missing Authentication Token"}', remedy: expect.stringContaining('-operator-') },
    });
  });

  it('says so when it does not understand the answer', async () => {
    server.answer('GET /workers', { status: 200, body: { workers: [{ name: 'a' }] } });

    await expect(api.workers()).rejects.toMatchObject({
      exitCode: 1,
      facts: { got: expect.stringContaining('workers.0.role') },
    });
  });
});
