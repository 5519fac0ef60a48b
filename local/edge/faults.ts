import * as z from 'zod';

/**
 * A fault the edge injects into AWS calls that pass it. `POST /_edge/faults` adds some, `DELETE /_edge/faults` clears
 * them, `GET /_edge/faults` shows what is left and how often each struck.
 */
export const FaultSpec = z.strictObject({
  /** Signing name of the service, e.g. `ec2`, `ssm`, `secretsmanager`, `kms`, `dynamodb`, `states`. */
  service: z.string(),
  /** API action, e.g. `CreateFleet`; for Run Command scripts use service `node` and the step's name. */
  action: z.string(),
  /** Only calls whose raw body contains this text; steps: the node's id and tags and the command's variables. */
  match: z.string().optional(),
  /** How often it strikes before it is spent. */
  times: z.number().int().min(1).default(1),
  /** How many matching calls pass unharmed first. */
  after: z.number().int().min(0).default(0),
  effect: z.discriminatedUnion('kind', [
    /** An AWS error answer, e.g. ThrottlingException 400, InternalError 500. */
    z.strictObject({
      kind: z.literal('error'),
      code: z.string(),
      status: z.number().int(),
      message: z.string().default('injected by the edge'),
    }),
    /** CreateFleet: these pools answer with an error inside HTTP 200. Pools are `type/zone`, `type/*`, `*` + `/zone`. */
    z.strictObject({ kind: z.literal('fleet-error'), code: z.string(), pools: z.array(z.string()) }),
    /** The answer is held back this long. */
    z.strictObject({ kind: z.literal('delay'), milliseconds: z.number().int() }),
    /** The call takes effect but its answer is lost: the connection is cut. */
    z.strictObject({ kind: z.literal('lost-answer') }),
    /** Node: the step's script exits with this code instead of running. */
    z.strictObject({ kind: z.literal('exit'), code: z.number().int(), output: z.string().default('') }),
    /** Node: Run Command ends with this final status. */
    z.strictObject({
      kind: z.literal('command-status'),
      status: z.enum(['TimedOut', 'Cancelled', 'DeliveryTimedOut', 'Undeliverable', 'InvalidPlatform', 'Terminated']),
    }),
    /** Node: launched but never registers with Systems Manager. */
    z.strictObject({ kind: z.literal('never-online') }),
    /** Node: the instance disappears (Spot interruption) when this step starts; the homelab's loses its line. */
    z.strictObject({ kind: z.literal('vanish') }),
  ]),
});
export type FaultSpec = z.output<typeof FaultSpec>;
