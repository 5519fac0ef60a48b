import * as z from 'zod/mini';
import { wholeNumber, withArguments } from './arguments.ts';
import { done, type Handler, refused } from './outcome.ts';

const SECONDS = z.optional(wholeNumber(1, 3600));
const MINUTES = z.optional(wholeNumber(0, 10_080));

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

/** Takes new values for as long as the agent runs; the names are those of the wire's ConfigUpdate. */
export const updateConfig: Handler = withArguments(
  z.strictObject({ heartbeat_interval_sec: SECONDS, status_interval_sec: SECONDS, idle_shutdown_minutes: MINUTES }),
  async ({ controls }, args) => {
    if (Object.values(args).every((value) => value === undefined)) return refused('there is no value to change');
    const values = controls.live.apply(
      {
        heartbeatSeconds: numberOf(args.heartbeat_interval_sec),
        statusSeconds: numberOf(args.status_interval_sec),
        idleShutdownMinutes: numberOf(args.idle_shutdown_minutes),
      },
      'UPDATE_CONFIG',
    );
    return done(
      JSON.stringify({
        heartbeat_interval_sec: values.heartbeatSeconds,
        status_interval_sec: values.statusSeconds,
        idle_shutdown_minutes: values.idleShutdownMinutes,
      }),
    );
  },
);
