import { expect, it } from 'vitest';
import { machineOf } from '../../../local/node/sandbox/machine-of.ts';

it.each([
  ['t3.medium', 2, 4],
  ['t3.large', 2, 8],
  ['g4dn.xlarge', 4, 16],
  ['g5.2xlarge', 8, 32],
])('a node of type %s shows its programs %i processors and %i GB', (type, cores, gigabytes) => {
  expect(machineOf(type)).toEqual({ cores, memoryMb: gigabytes * 1024 });
});
