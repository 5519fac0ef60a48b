import { spawnSync } from 'node:child_process';

/** Runs shell functions of `ssm/lib` outside a step: what the script prints, line by line. */
export const runFunctions = (
  libraries: readonly string[],
  script: string,
  { env = {}, input = '' }: { env?: Readonly<Record<string, string>>; input?: string } = {},
): readonly string[] => {
  const sources = libraries.map((library) => `source ssm/lib/${library}.sh`);
  const all = ['set -euo pipefail', 'step_plain() { cat; }', ...sources, script].join('\n');
  const { status, stdout, stderr } = spawnSync('bash', ['-c', all], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
    input,
  });
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`);
  return stdout.trimEnd().split('\n');
};
