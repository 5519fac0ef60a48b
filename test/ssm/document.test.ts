import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { COMMON_PARAMETERS, HOMELAB_STEPS, STEPS } from '#contract';
import { type AnyStepName, buildDocument, DOCUMENT_LIMIT_BYTES, stepScript } from '../../ssm/document.ts';

const TABLE = { ...STEPS, ...HOMELAB_STEPS };
const NAMES = Object.keys(TABLE) as AnyStepName[];

/** What Systems Manager accepts of a Command document, schema 2.2, as far as ours go, and what this house demands. */
const Document = z.strictObject({
  schemaVersion: z.literal('2.2'),
  description: z.string().min(1).max(256),
  parameters: z.record(
    z.string().regex(/^[A-Za-z0-9_]+$/),
    z.strictObject({
      type: z.literal('String'),
      description: z.string().min(1),
      default: z.string().optional(),
      allowedPattern: z.string().regex(/^\^.*\$$/),
      maxChars: z.number().int().positive().max(1024),
      interpolationType: z.literal('ENV_VAR'),
    }),
  ),
  mainSteps: z.tuple([
    z.strictObject({
      action: z.literal('aws:runShellScript'),
      name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
      precondition: z.strictObject({ StringEquals: z.tuple([z.literal('platformType'), z.literal('Linux')]) }),
      inputs: z.strictObject({
        timeoutSeconds: z.string().regex(/^[1-9][0-9]{0,4}$/),
        runCommand: z.array(z.string().regex(/^[^\n\r]*$/)).min(1),
      }),
    }),
  ]),
});

describe.each(NAMES)('document of step %s', (step) => {
  const document = buildDocument(step);

  it('is what it was', async () => {
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(`../golden/ssm/${step}.json`);
  });

  it('is valid', () => {
    expect(Document.safeParse(document)).toMatchObject({ success: true });
  });

  it('stays below the limit, run-time parameters included', () => {
    const given = Object.values(document.parameters).reduce((sum, { maxChars }) => sum + maxChars, 0);

    expect(Buffer.byteLength(JSON.stringify(document)) + given).toBeLessThan(DOCUMENT_LIMIT_BYTES);
  });

  it('hands its parameters to the script as variables, never as text', () => {
    expect(JSON.stringify(document)).not.toContain('{{');
    const script = stepScript(step).join('\n');
    for (const name of Object.keys(TABLE[step].parameters)) expect(script).toMatch(new RegExp(`step_require ${name} `));
  });

  it('runs under bash, stops at the first failure and needs no file beside it', () => {
    const lines = stepScript(step);

    expect(lines[0]).toBe('#!/bin/bash');
    expect(lines).toContain('set -euo pipefail');
    expect(lines.filter((line) => /^\s*(source |\. (?!as ))/.test(line))).toEqual([]);
    expect(lines.filter((line) => line.startsWith(`step_begin ${step} `))).toHaveLength(1);
  });

  it('lets no value through that a shell or a path would take for something else', () => {
    const hostile = ['$(reboot)', '`reboot`', 'a;b', 'a b', "a'b", 'a"b', '../x', 'a\nb', '{{x}}'];
    for (const [name, { allowedPattern }] of Object.entries(document.parameters)) {
      expect(
        hostile.filter((value) => new RegExp(allowedPattern).test(value)),
        name,
      ).toEqual([]);
    }
  });
});

describe('the scripts', () => {
  it('are one per step of the contract', () => {
    const scripts = readdirSync('ssm').filter((name) => name.endsWith('.sh'));

    expect(scripts.sort()).toEqual(NAMES.map((name) => `${name}.sh`).sort());
  });

  it('have no double brace anywhere, which Systems Manager would replace', () => {
    const files = readdirSync('ssm', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sh'));

    expect(files.filter((file) => readFileSync(`ssm/${file}`, 'utf8').includes('{{'))).toEqual([]);
  });

  it('wait for each other much shorter than any of them may run', () => {
    const seconds = Number(/STEP_LOCK_SECONDS=(\d+)/.exec(readFileSync('ssm/lib/prologue.sh', 'utf8'))?.[1]);

    expect(Object.values(STEPS).filter(({ timeoutSeconds }) => timeoutSeconds < 2 * seconds)).toEqual([]);
  });

  it('check the common parameters as the documents do', () => {
    const prologue = readFileSync('ssm/lib/prologue.sh', 'utf8');
    for (const [name, { allowedPattern }] of Object.entries(COMMON_PARAMETERS)) {
      expect(prologue).toContain(`step_require ${name} '${allowedPattern}'`);
    }
  });
});
