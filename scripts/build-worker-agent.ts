import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { buildWorkerAgent, PROGRAM } from '../agent/worker/build.ts';

/** npm run build:worker-agent: makes agent/worker/dist/worker-agent, which images take along. */
await buildWorkerAgent();
const program = readFileSync(PROGRAM);
const sum = createHash('sha256').update(program).digest('hex');
console.log(`${relative('', PROGRAM)}: ${(program.length / 1024 / 1024).toFixed(1)} MiB, sha256 ${sum}`);
