import * as z from 'zod';
import { wholeNumber, withArguments } from './arguments.ts';
import { done, type Handler, refused } from './outcome.ts';

const SECONDS = wholeNumber(1, 3600).optional();
const MINUTES = wholeNumber(0, 10_080).optional();

/** Takes new values for as long as the agent runs; the names are those of the wire's ConfigUpdate. */
export const updateConfig: Handler = withArguments(
  z.strictObject({ heartbeat_interval_sec: SECONDS, status_interval_sec: SECONDS, idle_shutdown_minutes: MINUTES }),
  async ({ controls }, args) => {
    if (Object.values(args).every((value) => value === undefined)) return refused('there is no value to change');
    const values = controls.live.apply(
      {
        heartbeatSeconds: args.heartbeat_interval_sec,
        statusSeconds: args.status_interval_sec,
        idleShutdownMinutes: args.idle_shutdown_minutes,
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
