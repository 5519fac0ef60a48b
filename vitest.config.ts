import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const reports = process.env.CARRIERARR_TEST_REPORTS;

/** Whole lives of clouds whose parts the other suites prove too: `npm run test:long`. CI has twenty minutes. */
const LONG = ['test/system/cluster-variants.test.ts'];
/** Part of the unit suite, and in the long one with ten times the agents. */
const MANY_AGENTS = 'test/agent/wire/many-agents.test.ts';
/** A limit for a loaded machine: it costs those nothing that pass. */
const MACHINE_LIMIT = { testTimeout: 240_000, hookTimeout: 240_000 };

export default defineConfig({
  test: {
    // CI adds up the reports of its runs; one file per run, since the projects run one after another.
    reporters:
      reports === undefined ? ['default'] : ['default', ['json', { outputFile: `${reports}/${process.pid}.json` }]],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/scenario/**', 'test/system/**'],
          // For a machine that is busy; nothing takes a tenth of it on one that is not.
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Tests clean up after themselves, so files may share what they import: two thirds less time.
          isolate: false,
          // Threads watch the files that they open, and warn of any that a socket closes.
          pool: 'forks',
          // Vitest would leave one of two cores idle.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'scenario',
          include: ['test/scenario/**/*.test.ts'],
          // One embedded cloud for all; scenarios wait far more than they compute, so many run at once.
          globalSetup: ['test/scenario/support/global-setup.ts'],
          maxConcurrency: 8,
          // Longer than any one wait, which tells what it waited for.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          exclude: LONG,
          ...MACHINE_LIMIT,
          // Each file brings clouds, namespaces and ports of its own, and waits almost as much as it computes.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'long',
          include: [...LONG, MANY_AGENTS],
          env: { CARRIERARR_TEST_AGENTS: '1000' },
          ...MACHINE_LIMIT,
        },
      },
    ],
  },
});
