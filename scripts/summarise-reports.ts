/** Adds up vitest's JSON reports and prints one closing line: `N passed, N failed, N skipped`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const Report = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numPendingTests: z.number() });

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: summarise-reports.ts DIRECTORY');

const reports = readdirSync(directory).map((file) =>
  Report.parse(JSON.parse(readFileSync(join(directory, file), 'utf8'))),
);
const sum = (pick: (report: z.infer<typeof Report>) => number) =>
  reports.reduce((total, report) => total + pick(report), 0);

console.log(
  `${sum((r) => r.numPassedTests)} passed, ${sum((r) => r.numFailedTests)} failed, ${sum((r) => r.numPendingTests)} skipped`,
);
