export type Level = 'debug' | 'info' | 'warn' | 'error';

/** One JSON object a line. Says who talked to whom and how much; never what was said, nor a token or a header. */
export type Log = (level: Level, event: string, facts?: Readonly<Record<string, unknown>>) => void;

export const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];

export interface LogOptions {
  readonly now?: () => Date;
  /** Quieter lines are dropped; `info` unless told. */
  readonly minimum?: Level;
}

/** Makes the log that programs outside of Lambda write: one JSON object a line. */
export const jsonLog = (write: (line: string) => void, options: LogOptions = {}): Log => {
  const { now = () => new Date(), minimum = 'info' } = options;
  const least = LEVELS.indexOf(minimum);
  return (level, event, facts = {}) => {
    if (LEVELS.indexOf(level) < least) return;
    write(`${JSON.stringify({ time: now().toISOString(), level, event, ...facts })}\n`);
  };
};

/** What is said of an error in a log: its message, and never its stack or what it carries. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
