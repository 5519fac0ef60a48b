import * as z from 'zod/mini';
import { oneLine } from '../text.ts';

/** One mark of the boot, and when it was set (milliseconds of the epoch). */
export interface Mark {
  readonly mark: string;
  readonly at: number;
}

const MOST = 100;

/** Reads /run/carrierarr/timeline: `<epoch seconds.millis> <mark>` a line. A line that is none is left out. */
export const parseTimeline = (text: string | undefined): Mark[] =>
  [...(text ?? '').matchAll(/^(\d{1,12})\.(\d{3}) ([a-z][a-z0-9-]{0,39})$/gm)]
    .slice(0, MOST)
    .map(([, seconds, millis, mark = '']) => ({ mark, at: Number(seconds) * 1000 + Number(millis) }));

const notice = z.object({
  action: z.string(),
  time: z.iso.datetime(),
  at: z.catch(z.optional(z.iso.datetime()), undefined),
});

/** EC2's notice that it takes the instance back. */
export interface Interruption {
  readonly action: string;
  readonly time: number;
  readonly noticedAt: number | undefined;
}

/** Reads /run/carrierarr/interruption.json; undefined where there is no notice. */
export const parseInterruption = (text: string | undefined): Interruption | undefined => {
  try {
    const { action, time, at } = notice.parse(JSON.parse(text ?? ''));
    return {
      action: oneLine(action, 40),
      time: Date.parse(time),
      noticedAt: at === undefined ? undefined : Date.parse(at),
    };
  } catch {
    return undefined;
  }
};
