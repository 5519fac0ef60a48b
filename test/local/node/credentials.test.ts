import { describe, expect, it } from 'vitest';
import { accessKeyIdOf, credentialsOf, instanceIdOf } from '../../../local/node/credentials.ts';

describe('credentials of an instance', () => {
  it.each([
    'i-0123456789abcdef0',
    'i-00000000000000000',
    'i-fffffffffffffffff',
    'i-1234abcd',
    'mi-0123456789abcdef0',
    'mi-00000000000000000',
  ])('tell the node %s by their access key id', (instanceId) => {
    const accessKeyId = accessKeyIdOf(instanceId);

    expect(accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(instanceIdOf(accessKeyId)).toBe(instanceId);
  });

  it.each(['test', 'AKIAIOSFODNN7EXAMPLE', 'ASIAIOSFODNN7EXAMPL1', 'ASIAAAAAAAAAAAAAAAAA', ''])(
    'of somebody else (%s) tell no instance',
    (accessKeyId) => {
      expect(instanceIdOf(accessKeyId)).toBeUndefined();
    },
  );

  it("refuse what is no node's id", () => {
    expect(() => accessKeyIdOf('vol-0123456789abcdef0')).toThrow(/not a node's id: vol-/);
  });

  it('differ from instance to instance', () => {
    expect(credentialsOf('i-00000001')).not.toEqual(credentialsOf('i-00000002'));
  });
});
