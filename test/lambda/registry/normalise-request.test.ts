import { describe, expect, it } from 'vitest';
import { ProvisionRequest, secretName } from '#contract';
import { normaliseRequest } from '../../../lambda/registry/normalise-request.ts';
import { ROLES } from '../../fake/doors.ts';

const settings = { roles: ROLES, cluster: { name: 'aws-k3s' } };
const normalise = (request: unknown) => normaliseRequest(request, settings, () => 0.99);

describe('a request', () => {
  it('gets everything it leaves open from its role', () => {
    const { worker, address, drawn } = normalise({ name: 'lh', role: 'lighthouse' });

    expect(worker).toEqual({
      contract: 1,
      name: 'lh',
      role: 'lighthouse',
      instanceTypes: ['t3.medium'],
      market: 'on-demand',
      onDemandFallback: false,
      amiId: '',
      cluster: 'aws-k3s',
    });
    expect([address, drawn]).toEqual([undefined, false]);
  });

  it('is an input that means the same again', () => {
    const request = {
      name: 'gpu-worker-001',
      nebulaIp: '10.100.2.9',
      instanceType: 'g5.xlarge',
      amiId: 'ami-0f24e5b7febd29ea3',
      cluster: 'other',
    };
    const first = normalise(request);

    const again = normalise(ProvisionRequest.parse(JSON.parse(first.input)));

    expect(again).toEqual(first);
  });

  it('has the same hash with its defaults left out or written out, and another with anything else', () => {
    const hash = (request: object) => normalise({ name: 'a', ...request }).requestHash;

    const written = { role: 'gpu-worker', market: 'spot', onDemandFallback: true, cluster: 'aws-k3s' };
    expect(hash(written)).toBe(hash({}));
    expect(hash({ market: 'on-demand', onDemandFallback: true })).toBe(hash({ market: 'on-demand' }));
    const others = [
      {},
      { role: 'lighthouse' },
      { market: 'on-demand' },
      { onDemandFallback: false },
      { nebulaIp: '10.100.2.9' },
      { instanceType: 'g5.xlarge' },
      { amiId: 'ami-0f24e5b7febd29ea3' },
      { cluster: 'other' },
    ];
    expect(new Set(others.map(hash)).size).toBe(others.length);
  });

  it('draws a name whose secret does not look like an ARN suffix of Secrets Manager', () => {
    const { worker, drawn } = normalise({});

    expect(drawn).toBe(true);
    expect(worker.name).toBe('gpu-worker-zzzzz');
    expect(secretName('catalyst-llm', worker.name)).not.toMatch(/-[A-Za-z0-9]{6}$/);
  });
});
