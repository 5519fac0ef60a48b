/** The server's time, as far as the page knows it; it stands still while the page is cut off, as everything it shows does. */
export interface Clock {
  now(): number;
  /** Calls back each second; @returns ends it */
  onTick(listener: () => void): () => void;
}

export interface SettableClock extends Clock {
  /** Takes over the server's time. */
  set(serverNow: number): void;
  /** Stops, or goes on. */
  run(running: boolean): void;
}

const SECOND = 1000;

export const createClock = (local: () => number = Date.now): SettableClock => {
  const listeners = new Set<() => void>();
  let ahead = 0;
  let stoppedAt: number | undefined;
  const tick = (): void => {
    for (const listener of listeners) listener();
  };
  setInterval(tick, SECOND);
  const now = (): number => stoppedAt ?? local() + ahead;
  return {
    now,
    set: (serverNow) => {
      ahead = serverNow - local();
    },
    run: (running) => {
      stoppedAt = running ? undefined : now();
    },
    onTick: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
