import type { StepName } from '#contract';
import { stepCommand } from '../../../ssm/run-step.ts';
import type { Switched } from './world.ts';

/** Runs a step on a machine as Systems Manager's agent does, and gives the JSON line at its end. */
export const runStepOn = async (
  { machine, name }: Switched,
  step: StepName,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> => {
  const id = crypto.randomUUID();
  const { script, environment } = stepCommand(step, { Worker: name, ExecutionId: `${name}-${id}`, ...parameters });
  const variables = Object.entries(environment).map(([key, value]) => `${key}='${value}'`);
  const file = `/run/orchestration-${id}.sh`;
  const output = await machine.sh(
    `cat >${file}; chmod 0700 ${file}; ${variables.join(' ')} sh -c ${file} || true; rm ${file}`,
    script,
  );
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
};
