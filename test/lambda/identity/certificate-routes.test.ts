import { describe, expect, it } from 'vitest';
import { IssuedCertificate, Problem } from '#contract';
import { proxyHandler } from '#shared/proxy.ts';
import { generateNodeKeyPair, nodePublicKeyToPem } from '../../../lambda/identity/certificate/index.ts';
import { certificateRoutes } from '../../../lambda/identity/certificate-routes.ts';
import { silentLog } from '../../support/silent-log.ts';
import { testFleet } from './support/fleet.ts';

const publicKey = nodePublicKeyToPem(generateNodeKeyPair().publicKey);

const api = () => {
  const handler = proxyHandler(certificateRoutes(testFleet()), silentLog);
  return async (httpMethod: string, path: string, body?: object, query: Record<string, string> = {}) => {
    const {
      statusCode,
      headers,
      body: text,
    } = await handler({
      httpMethod,
      path,
      headers: { 'content-type': 'application/json' },
      queryStringParameters: query,
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: statusCode, headers, body: JSON.parse(text) as unknown };
  };
};

describe('POST /certificates', () => {
  it('answers 201 with certificate and CAs', async () => {
    const { status, headers, body } = await api()('POST', '/certificates', { name: 'laptop', publicKey });

    const issued = IssuedCertificate.parse(body);
    expect(status).toBe(201);
    expect(headers.location).toBe(`certificates/${issued.fingerprint}`);
    expect(issued.pem).toContain('BEGIN NEBULA CERTIFICATE');
    expect(issued.ca).toContain('BEGIN NEBULA CERTIFICATE');
  });

  it.each([
    ['no name', { publicKey }, 400, 'name'],
    ['a name that is none', { name: 'Lap Top', publicKey }, 400, 'name'],
    ['an unknown field', { name: 'laptop', publicKey, admin: true }, 400, 'admin'],
    ['an address that is none', { name: 'laptop', publicKey, address: '10.100.2' }, 400, 'address'],
    ['no public key', { name: 'laptop', publicKey: 'words' }, 400, 'publicKey'],
    ['a narrower mask', { name: 'laptop', publicKey, address: '10.100.2.9/24' }, 422, '(request)'],
    ['an address of the homelab', { name: 'laptop', publicKey, address: '10.100.1.9' }, 409, '(request)'],
  ])('refuses %s as a problem that names the fault and the remedy', async (_, request, status, field) => {
    const answer = await api()('POST', '/certificates', request);

    const problem = Problem.parse(answer.body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(problem.faults.map((fault) => fault.field)).toEqual([field]);
    expect(problem.remedy).not.toBe('');
  });
});

describe('GET /certificates', () => {
  it('lists all, or those of a name', async () => {
    const call = api();
    await call('POST', '/certificates', { name: 'laptop', publicKey });

    await expect(call('GET', '/certificates')).resolves.toMatchObject({ body: { certificates: [{ name: 'laptop' }] } });
    await expect(call('GET', '/certificates', undefined, { name: 'other' })).resolves.toMatchObject({
      body: { certificates: [] },
    });
  });

  it('shows one by fingerprint or name', async () => {
    const call = api();
    const { body } = await call('POST', '/certificates', { name: 'laptop', publicKey });
    const { fingerprint } = IssuedCertificate.parse(body);

    await expect(call('GET', `/certificates/${fingerprint}`)).resolves.toMatchObject({
      status: 200,
      body: body as object,
    });
    await expect(call('GET', '/certificates/laptop')).resolves.toMatchObject({ status: 200, body: body as object });
  });

  it.each([
    ['somebody unknown', '/certificates/nobody', 404],
    ['a fingerprint unknown', `/certificates/${'0'.repeat(64)}`, 404],
    ['what is neither', '/certificates/Not%20A%20Name', 400],
  ])('answers for %s', async (_, path, status) => {
    await expect(api()('GET', path)).resolves.toMatchObject({ status });
  });
});
