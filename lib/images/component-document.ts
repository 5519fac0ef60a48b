import * as z from 'zod';

/**
 * The part of Image Builder's component format (schema version 1.0) that we use. Image Builder itself says what is
 * wrong with a document only at the deployment, and of some faults only at the build.
 */
const stepBase = {
  name: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  timeoutSeconds: z.int().min(60).max(43_200),
  onFailure: z.literal('Abort'),
};

/** Double braces are expressions to Image Builder: in a command they would be replaced, or refused. */
const command = z
  .string()
  .min(1)
  .refine((text) => !/\{\{|\}\}/.test(text), { error: 'a command without {{ or }}' });

/** Commands of one step run as one script, without -e. */
const ExecuteBash = z.strictObject({
  ...stepBase,
  action: z.literal('ExecuteBash'),
  inputs: z.strictObject({ commands: z.tuple([z.literal('set -euo pipefail')]).rest(command) }),
});

const S3Download = z.strictObject({
  ...stepBase,
  action: z.literal('S3Download'),
  inputs: z
    .array(z.strictObject({ source: z.string().startsWith('s3://'), destination: z.string().startsWith('/') }))
    .min(1),
});

const Step = z.discriminatedUnion('action', [ExecuteBash, S3Download]);

const phase = <N extends string>(name: N) =>
  z.strictObject({
    name: z.literal(name),
    steps: z
      .array(Step)
      .min(1)
      .refine((steps) => new Set(steps.map((step) => step.name)).size === steps.length, {
        error: 'steps with names of their own',
      }),
  });

/** `build` and `validate` run on the machine that becomes the image, `test` on one that has booted it. */
export const ComponentDocument = z.strictObject({
  schemaVersion: z.literal('1.0'),
  name: z.string().min(1),
  description: z.string().min(1),
  phases: z.tuple([phase('build'), phase('validate'), phase('test')]),
});
export type ComponentDocument = z.infer<typeof ComponentDocument>;
export type ComponentStep = z.infer<typeof Step>;
