import type { Log } from '#shared/logging.ts';

export const silentLog: Log = {
  info: () => {},
  warn: () => {},
  error: () => {},
  debug: () => {},
  appendKeys: () => {},
  resetKeys: () => {},
};
