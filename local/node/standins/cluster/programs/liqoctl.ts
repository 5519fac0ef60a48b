/** Stand-in for liqoctl 1.2.0. */
import { liqoctl, verbOf } from '../liqoctl/run.ts';
import { runProgram } from '../program.ts';

await runProgram('liqoctl', verbOf, liqoctl);
