import { kubectl, kubectlVerb } from '../kubectl/main.ts';
import { runProgram } from '../program.ts';

await runProgram('kubectl', kubectlVerb, kubectl);
