import { describe, expect, it } from 'vitest';
import { Problem } from '#contract';
import * as errors from '../../../lambda/shared/errors.ts';
import { problemFrom } from '../../../lambda/shared/problem.ts';

const SECRET = 'arn:aws:dynamodb:us-west-2:111122223333:table/carrierarr-registry';
const facts = { what: `what ${SECRET}`, got: 'this', allowed: 'that', remedy: `remedy ${SECRET}` };

type Facts = ConstructorParameters<typeof errors.ConfigurationError>[0];
const STATUS: Readonly<Record<string, number>> = {
  NameConflictError: 409,
  ClusterConflictError: 409,
  AddressError: 409,
  OwnershipLostError: 409,
  SecretConflictError: 409,
  CertificateRuleError: 422,
  ThrottledError: 503,
  NotYetConsistentError: 503,
  ServiceUnavailableError: 503,
};
/** Every class of the taxonomy whose constructor takes nothing but facts. */
const classes = Object.entries(errors).flatMap(([name, value]) =>
  /Error$/.test(name) &&
  name[0] === name[0]?.toUpperCase() &&
  !['CarrierarrError', 'InputError', 'RequestError'].includes(name)
    ? [[name, value as unknown as new (facts: Facts) => errors.CarrierarrError] as const]
    : [],
);

describe('a problem', () => {
  it('carries every fault of a request', () => {
    const faults = [
      { field: 'role', what: 'not valid', got: '"gpu"', allowed: 'lighthouse, gpu-worker' },
      { field: 'nmae', what: 'unknown field', got: '["nmae"]', allowed: 'only documented fields' },
    ];

    const { status, body } = problemFrom(new errors.InputError(faults));

    expect(status).toBe(400);
    expect(body).toMatchObject({ type: 'urn:carrierarr:problem:input', status: 400, faults });
    expect(body.remedy).not.toBe('');
  });

  it.each(classes)('from %s has a status, and what is not the caller’s business stays inside', (name, Class) => {
    const { status, body } = problemFrom(new Class(facts), 'request-1');

    expect(status).toBe(STATUS[name] ?? 500);
    expect(Problem.parse(body).status).toBe(status);
    if (status < 500) expect(body).toMatchObject({ detail: facts.what, remedy: facts.remedy });
    else expect(JSON.stringify(body)).not.toContain(SECRET);
    if (status < 500) expect(body.faults).toMatchObject([{ got: 'this', allowed: 'that' }]);
    else expect(body.detail).toContain('request-1');
  });

  it.each([404, 405, 413, 415] as const)('from a request error has its status %i', (code) => {
    expect(problemFrom(new errors.RequestError(code, facts)).body).toMatchObject({ status: code, detail: facts.what });
  });

  it.each([
    ['a stranger', new TypeError(`cannot read ${SECRET}`)],
    ['something thrown that is no error', SECRET],
  ])('from %s says nothing but where to look', (_case, thrown) => {
    const { status, body } = problemFrom(thrown, 'request-2');

    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain(SECRET);
    expect(body.remedy).toContain('request-2');
  });

  it('is found behind a wrapping error', () => {
    const wrapped = new Error('outer', { cause: new errors.NameConflictError(facts) });

    expect(problemFrom(wrapped).status).toBe(409);
  });
});
