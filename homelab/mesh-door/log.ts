/** One JSON object a line. Says who talked to whom and how much; never what was said, nor a path or a header. */
export type Log = (level: 'info' | 'warn' | 'error', event: string, facts?: Readonly<Record<string, unknown>>) => void;

export const jsonLog =
  (write: (line: string) => void, now: () => Date = () => new Date()): Log =>
  (level, event, facts = {}) =>
    write(`${JSON.stringify({ time: now().toISOString(), level, event, ...facts })}\n`);
