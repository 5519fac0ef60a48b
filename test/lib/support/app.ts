import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { addCarrierarrStacks } from '../../../lib/carrierarr-stacks.ts';
import { parseConfig } from '../../../lib/config.ts';

// The validation of templates at synthesis costs seconds; `npm run synth` does it.
process.env.CDK_VALIDATION = 'false';

const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> };

const synthesiseOnce = (overrides: Record<string, unknown>) => {
  // Warnings are looked at by tests, not printed by them.
  const quiet = { ...context, '@aws-cdk/core:annotationsInValidationReport': false };
  const app = new App({ context: quiet, analyticsReporting: false, treeMetadata: false });
  const config = parseConfig(context.carrierarr, overrides);
  const stacks = addCarrierarrStacks(app, config, () => Code.fromInline('export const handler = async () => {};'));
  const assembly = app.synth();
  return {
    config,
    stacks,
    /** Warnings and errors of all stacks; `Annotations.fromStack` would synthesise anew at every look. */
    complaints: Object.values(stacks)
      .flatMap((stack) => assembly.getStackArtifact(stack.artifactId).messages)
      .filter(({ level }) => level !== 'info')
      .map(({ entry }) => String(entry.data)),
    mesh: Template.fromStack(stacks.mesh),
    images: Template.fromStack(stacks.images),
    steps: Template.fromStack(stacks.steps),
    fleet: Template.fromStack(stacks.fleet),
  };
};

const synthesised = new Map<string, ReturnType<typeof synthesiseOnce>>();

/**
 * The app as cdk.json has it, with overrides of its configuration; no code is bundled. Synthesised once for all tests
 * that ask for the same configuration: look at it, change nothing.
 */
export const synthesise = (overrides: Record<string, unknown> = {}): ReturnType<typeof synthesiseOnce> => {
  const key = JSON.stringify(overrides);
  const app = synthesised.get(key) ?? synthesiseOnce(overrides);
  synthesised.set(key, app);
  return app;
};

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
}

export const resourcesOf = (template: Template): Readonly<Record<string, Resource>> =>
  (template.toJSON() as { Resources: Record<string, Resource> }).Resources;

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '111122223333',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::Region': 'us-west-2',
};

/** Writes every token as text: a reference as `<LogicalId>`, an attribute as `<LogicalId.Attribute>`. */
export const flatten = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(flatten);
  if (typeof value !== 'object' || value === null) return value;
  const [[key, inner] = ['', undefined]] = Object.entries(value);
  if (key === 'Ref') return PSEUDO[String(inner)] ?? `<${String(inner)}>`;
  if (key === 'Fn::GetAtt' && Array.isArray(inner)) return `<${inner.join('.')}>`;
  if (key === 'Fn::ImportValue') return '<import>';
  if (key === 'Fn::Base64') return flatten(inner);
  if (key === 'Fn::Sub' && typeof inner === 'string') {
    return inner.replaceAll(/\$\{([\w:.]+)\}/g, (_, name: string) => PSEUDO[name] ?? `<${name}>`);
  }
  if (key === 'Fn::Join' && Array.isArray(inner)) {
    const [separator, parts] = inner as [string, unknown[]];
    return parts.map((part) => String(flatten(part))).join(separator);
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, flatten(item)]));
};
