import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  COMMON_PARAMETERS,
  HOMELAB_STEPS,
  type HomelabStepName,
  STEPS,
  type Step,
  type StepName,
  type StepParameter,
} from '#contract';
import { ConfigurationError } from '#shared/errors.ts';

/** A parameter whose value reaches the script as `$SSM_<name>` and never as text inside it. */
export interface DocumentParameter {
  readonly type: 'String';
  readonly description: string;
  readonly allowedPattern: string;
  readonly maxChars: number;
  readonly default?: string;
  readonly interpolationType: 'ENV_VAR';
}

/** A step of either side: of a worker, or of the homelab's node. */
export type AnyStepName = StepName | HomelabStepName;

const ALL_STEPS: Readonly<Record<AnyStepName, Step>> = { ...STEPS, ...HOMELAB_STEPS };

/** Content of a Systems Manager Command document, schema 2.2. */
export interface DocumentContent {
  readonly schemaVersion: '2.2';
  readonly description: string;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly mainSteps: readonly [
    {
      readonly action: 'aws:runShellScript';
      readonly name: string;
      readonly precondition: { readonly StringEquals: readonly ['platformType', 'Linux'] };
      readonly inputs: { readonly timeoutSeconds: string; readonly runCommand: readonly string[] };
    },
  ];
}

/** Systems Manager's limit for a document together with its run-time parameters, in bytes. */
export const DOCUMENT_LIMIT_BYTES = 65_536;

const SHEBANG = '#!/bin/bash';
const SOURCE = /^source "\$\{BASH_SOURCE%\/\*\}\/(?<path>[\w./-]+\.sh)"$/;

/** Puts each sourced file in the place of its `source` line, once: on the node there is only the document. */
const inline = (file: string, seen: Set<string>): string[] => {
  seen.add(file);
  const [first, ...rest] = readFileSync(file, 'utf8').trimEnd().split('\n');
  if (first !== SHEBANG) {
    throw new ConfigurationError({
      what: `${file} does not start with its interpreter`,
      got: first ?? 'nothing',
      allowed: SHEBANG,
      remedy: 'make it the first line: the agent runs the script through it',
    });
  }
  return rest.flatMap((line) => {
    const path = SOURCE.exec(line)?.groups?.path;
    if (path === undefined) return [line];
    const sourced = join(dirname(file), path);
    return seen.has(sourced) ? [] : inline(sourced, seen);
  });
};

const scriptFile = (step: AnyStepName): string => join(import.meta.dirname, `${step}.sh`);

/**
 * The whole script of a step, as the agent will run it.
 * @throws ConfigurationError where there is none, or one that Systems Manager would alter
 */
export const stepScript = (step: AnyStepName): string[] => {
  if (!existsSync(scriptFile(step))) {
    throw new ConfigurationError({
      what: `step ${step} of the contract has no script`,
      got: 'no such file',
      allowed: `ssm/${step}.sh`,
      remedy: 'write it, or take the step out of the contract',
    });
  }
  const lines = [SHEBANG, ...inline(scriptFile(step), new Set())];
  const braces = lines.findIndex((line) => line.includes('{{'));
  if (braces >= 0) {
    throw new ConfigurationError({
      what: `script of step ${step} contains an opening double brace, which Systems Manager would replace`,
      got: lines[braces] ?? '',
      remedy: 'write it another way',
    });
  }
  return lines;
};

const toParameter = ({ description, allowedPattern, maxChars, default: preset }: StepParameter): DocumentParameter => ({
  type: 'String',
  description,
  allowedPattern,
  maxChars,
  ...(preset === undefined ? {} : { default: preset }),
  interpolationType: 'ENV_VAR',
});

/** Builds the Command document of a step from `ssm/<step>.sh` and the contract's parameters. */
export const buildDocument = (step: AnyStepName): DocumentContent => {
  const { description, timeoutSeconds, parameters } = ALL_STEPS[step];
  return {
    schemaVersion: '2.2',
    description,
    parameters: Object.fromEntries(
      Object.entries({ ...COMMON_PARAMETERS, ...parameters }).map(([name, each]) => [name, toParameter(each)]),
    ),
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: step,
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { timeoutSeconds: String(timeoutSeconds), runCommand: stepScript(step) },
      },
    ],
  };
};
