import { enableCompileCache } from 'node:module';

// Keeps compiled code between runs: halves the time to `--help`.
enableCompileCache();
const { run } = await import('../cli/main.ts');
await run();
