import * as z from 'zod';
import type { FromAgent } from './program/protocol.ts';

const text = (characters: number) => z.string().max(characters);
const headers = z.array(z.tuple([z.string(), z.string()])).max(200);

/**
 * What a cell may say. A hostile program on the node could speak in the agent's place, so nothing is taken on trust;
 * it can only ever lie about its own node.
 */
const Message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('registered') }),
  z.object({ type: z.literal('console'), text: text(1_000_000) }),
  z.object({
    type: z.literal('report'),
    commandId: text(100),
    status: z.enum(['Success', 'Failed', 'TimedOut', 'Cancelled']),
    exitCode: z.number().int(),
    stdout: text(48_000),
    stderr: text(16_000),
  }),
  z.object({
    type: z.literal('request'),
    id: z.number().int(),
    door: z.enum(['imds', 'aws']),
    method: z.string().regex(/^[A-Z]{1,10}$/),
    path: text(8000),
    headers,
    body: text(8_000_000),
  }),
]) satisfies z.ZodType<FromAgent>;

/** @throws Error where the line is no message of an agent. */
export const parseMessage = (line: string): FromAgent => Message.parse(JSON.parse(line));
