import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take the longest, longest first. Without times of earlier runs, as in a fresh clone, vitest begins with
 * the largest files; one of these begun last would leave a worker waiting for minutes.
 */
const LONGEST = [
  'system/cluster-cells.test.ts',
  'system/homelab-preflight.test.ts',
  'system/local-interrupt.test.ts',
  'system/mesh-door.test.ts',
  'scenario/removal.test.ts',
  'scenario/cluster-failures.test.ts',
  'scenario/failures.test.ts',
] as const;

const rank = ({ moduleId }: TestSpecification): number => {
  const at = LONGEST.findIndex((file) => moduleId.endsWith(`/test/${file}`));
  return at === -1 ? LONGEST.length : at;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    return usual.toSorted((a, b) => rank(a) - rank(b));
  }
}
