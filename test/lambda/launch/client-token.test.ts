import { describe, expect, it } from 'vitest';
import { clientToken, type TokenFacts } from '../../../lambda/launch/client-token.ts';

const pool = (zone: string) => ({
  instanceType: 'g4dn.xlarge',
  availabilityZone: `us-west-2${zone}`,
  subnetId: `subnet-${zone}`,
});
const facts = (overrides: Partial<TokenFacts> = {}): TokenFacts => ({
  execution: 'arn:aws:states:us-west-2:111122223333:execution:carrierarr-provision:gpu-worker-001-mhx0000a',
  redriveCount: 0,
  market: 'spot',
  attempt: 1,
  call: 1,
  imageId: '',
  pools: [pool('a'), pool('b')],
  ...overrides,
});

describe('the client token of a launch call', () => {
  it('fits EC2’s limit of 64 ASCII characters', () => {
    expect(clientToken(facts())).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is the same for the same call, whatever the order of its pools', () => {
    expect(clientToken(facts({ pools: [pool('b'), pool('a')] }))).toBe(clientToken(facts()));
  });

  it.each<[string, Partial<TokenFacts>]>([
    ['execution', { execution: 'arn:aws:states:us-west-2:111122223333:execution:carrierarr-provision:other' }],
    ['redrive', { redriveCount: 1 }],
    ['market', { market: 'on-demand' }],
    ['attempt', { attempt: 2 }],
    ['call within the attempt', { call: 2 }],
    ['image', { imageId: 'ami-0123456789abcdef0' }],
    ['set of pools', { pools: [pool('a'), pool('c')] }],
  ])('is another one for another %s', (_, change) => {
    expect(clientToken(facts(change))).not.toBe(clientToken(facts()));
  });
});
