import * as z from 'zod';
import { AwsRefusal } from '../protocol/refusal.ts';

const Parameter = z.strictObject({
  type: z.literal('String'),
  description: z.string().optional(),
  default: z.string().optional(),
  allowedPattern: z.string().optional(),
  allowedValues: z.array(z.string()).optional(),
  minChars: z.number().int().optional(),
  maxChars: z.number().int().optional(),
  interpolationType: z.literal('ENV_VAR'),
});
type Parameter = z.infer<typeof Parameter>;

const RunShellScript = z.strictObject({
  action: z.literal('aws:runShellScript'),
  name: z.string().min(1),
  precondition: z.unknown().optional(),
  inputs: z.strictObject({
    timeoutSeconds: z.coerce.number().int().positive().default(3_600),
    runCommand: z.array(z.string()).min(1),
    workingDirectory: z.string().optional(),
  }),
});

/** The part of schema 2.2 that the product uses; anything else is refused loudly rather than played wrongly. */
export const DocumentContent = z.strictObject({
  schemaVersion: z.literal('2.2'),
  description: z.string().optional(),
  parameters: z.record(z.string().regex(/^[A-Za-z0-9_]+$/), Parameter).default({}),
  mainSteps: z.array(RunShellScript).length(1),
});

/** A command document, ready to be sent to a node. */
export interface CommandDocument {
  readonly name: string;
  /** Name of its one step: what fault injection goes by. */
  readonly step: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Joined as the agent joins it: one line per entry. */
  readonly script: string;
  readonly timeoutSeconds: number;
}

const MAX_CONTENT_BYTES = 65_536;

const invalid = (name: string, what: string): AwsRefusal =>
  new AwsRefusal('InvalidDocumentContent', `document ${name}: ${what}`);

/**
 * Reads a document as `CreateDocument` would.
 * @throws AwsRefusal InvalidDocumentContent, MaxDocumentSizeExceeded
 */
export const parseDocument = (name: string, content: unknown): CommandDocument => {
  if (JSON.stringify(content).length > MAX_CONTENT_BYTES) {
    throw new AwsRefusal('MaxDocumentSizeExceeded', `document ${name} exceeds 64 KB`);
  }
  const parsed = DocumentContent.safeParse(content);
  if (!parsed.success) throw invalid(name, z.prettifyError(parsed.error));
  const step = parsed.data.mainSteps[0];
  if (step === undefined) throw invalid(name, 'mainSteps is empty');
  const script = step.inputs.runCommand.join('\n');
  if (script.includes('{{')) throw invalid(name, 'its script contains {{, which SSM would try to substitute');
  return {
    name,
    step: step.name,
    parameters: parsed.data.parameters,
    script,
    timeoutSeconds: step.inputs.timeoutSeconds,
  };
};

const fault = (name: string, parameter: Parameter, value: string): string | undefined => {
  if (parameter.maxChars !== undefined && value.length > parameter.maxChars) {
    return `${name} is longer than ${parameter.maxChars} characters`;
  }
  if (parameter.minChars !== undefined && value.length < parameter.minChars) {
    return `${name} is shorter than ${parameter.minChars} characters`;
  }
  if (parameter.allowedValues !== undefined && !parameter.allowedValues.includes(value)) {
    return `${name} must be one of ${parameter.allowedValues.join(', ')}`;
  }
  if (parameter.allowedPattern !== undefined && !new RegExp(parameter.allowedPattern).test(value)) {
    return `${name} does not match ${parameter.allowedPattern}`;
  }
  return undefined;
};

/**
 * Checks the values of a SendCommand against the document and returns them as the variables the script sees.
 * @throws AwsRefusal InvalidParameters
 */
export const bindParameters = (
  document: CommandDocument,
  given: Readonly<Record<string, readonly string[]>>,
): Record<string, string> => {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(document.parameters, name));
  if (unknown !== undefined) {
    throw new AwsRefusal('InvalidParameters', `${unknown} is not a parameter of document ${document.name}`);
  }
  const variables: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(document.parameters)) {
    const value = given[name]?.[0] ?? parameter.default;
    if (value === undefined) throw new AwsRefusal('InvalidParameters', `parameter ${name} requires a value`);
    const wrong = fault(name, parameter, value);
    if (wrong !== undefined) throw new AwsRefusal('InvalidParameters', wrong);
    variables[`SSM_${name}`] = value;
  }
  return variables;
};
