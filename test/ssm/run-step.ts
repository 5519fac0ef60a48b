import { COMMON_PARAMETERS, HOMELAB_STEPS, STEPS, type Step, type StepParameter } from '#contract';
import { type AnyStepName, stepScript } from '../../ssm/document.ts';
import type { NodeSandbox, Outcome } from './node-sandbox.ts';

export interface StepOutcome extends Outcome {
  /** The JSON line at the end of the output. */
  readonly verdict: Readonly<Record<string, unknown>>;
}

const DOCUMENTS: Readonly<Record<AnyStepName, Step>> = { ...STEPS, ...HOMELAB_STEPS };

/** Variables as the agent sets them, defaults included. */
const variables = (step: AnyStepName, given: Readonly<Record<string, string>>): Record<string, string> => {
  const { parameters } = DOCUMENTS[step];
  const all: Readonly<Record<string, StepParameter>> = { ...COMMON_PARAMETERS, ...parameters };
  const defaults: [string, string][] = Object.entries(all).flatMap(([name, { default: preset }]) =>
    preset === undefined ? [] : [[name, preset]],
  );
  const values = {
    ...Object.fromEntries(defaults),
    ExecutionId: 'gpu-worker-001-mhx0000a',
    Worker: 'gpu-worker-001',
    ...given,
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`SSM_${name}`, value]));
};

export const parseVerdict = (outcome: Outcome): StepOutcome => {
  const last = outcome.stdout.trimEnd().split('\n').at(-1) ?? '';
  return { ...outcome, verdict: JSON.parse(last) as Record<string, unknown> };
};

/** Runs a script as the agent does: from a file, through `sh -c`. */
export const runScript = async (
  sandbox: NodeSandbox,
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<Outcome> => {
  const file = `/run/orchestration/${crypto.randomUUID()}/_script.sh`;
  await sandbox.write(file, script, '0700');
  return await sandbox.run(['sh', '-c', file], { env });
};

/** The script of a step's document and the variables the agent sets for it. */
export const stepCommand = (step: AnyStepName, parameters: Readonly<Record<string, string>> = {}) => ({
  script: `${stepScript(step).join('\n')}\n`,
  environment: variables(step, parameters),
  timeoutSeconds: DOCUMENTS[step].timeoutSeconds,
});

/** Runs the script of a step's document on the node. */
export const runStep = async (
  sandbox: NodeSandbox,
  step: AnyStepName,
  parameters: Readonly<Record<string, string>> = {},
): Promise<StepOutcome> => {
  const { script, environment } = stepCommand(step, parameters);
  return parseVerdict(await runScript(sandbox, script, environment));
};
