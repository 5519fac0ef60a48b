import * as z from 'zod';
import {
  type Capability,
  OPERATIONS,
  type OperationInput,
  type OperationName,
  type OperationOutput,
} from './contract/operations.ts';
import { InputError } from './errors.ts';
import { parseInput } from './input.ts';
import type { Log } from './logging.ts';

/** One implementation per operation of a capability. */
export type Operations<C extends Capability> = {
  readonly [O in OperationName<C>]: (input: OperationInput<C, O>) => Promise<OperationOutput<C, O>>;
};

const Envelope = z.looseObject({ operation: z.string() });

const contextKeys = (input: unknown): Record<string, unknown> => {
  const keys = z
    .looseObject({ name: z.string().optional(), generation: z.string().optional(), execution: z.string().optional() })
    .safeParse(input);
  return keys.success
    ? { worker: keys.data.name, generation: keys.data.generation, execution: keys.data.execution }
    : {};
};

/**
 * Makes the Lambda handler of a capability: picks the operation, validates its input against the contract, puts the
 * worker into every log line, and lets errors through by name so that the state machine can act on them.
 */
export const operationHandler = <C extends Capability>(capability: C, operations: Operations<C>, log: Log) => {
  return async (event: unknown): Promise<unknown> => {
    const { operation, ...input } = parseInput(Envelope, event);
    const shapes: Record<string, { input: z.ZodType }> = OPERATIONS[capability];
    const shape = shapes[operation];
    const run = (operations as Record<string, ((input: never) => Promise<unknown>) | undefined>)[operation];
    if (shape === undefined || run === undefined) {
      throw new InputError([
        {
          field: 'operation',
          what: `unknown to ${capability}`,
          got: operation,
          allowed: Object.keys(shapes).join(', '),
        },
      ]);
    }
    log.resetKeys();
    log.appendKeys({ operation, ...contextKeys(input) });
    try {
      const output = await run(parseInput(shape.input, input) as never);
      log.info('operation done');
      return output;
    } catch (error) {
      log.error('operation failed', error as Error);
      throw error;
    }
  };
};
