const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Why work ended early: somebody asked for it. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.signal = signal;
  }
}

export interface SignalWatch {
  readonly signal: AbortSignal;
  /** Stops watching: signals end the process again. */
  release(): void;
}

/**
 * Turns the first of the signals that end a process into an abort, so that what was started can be undone. Further ones
 * are ignored while that goes on: it is short, and half of it would be worse than none.
 */
export const watchSignals = (): SignalWatch => {
  const controller = new AbortController();
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => controller.abort(new Interrupted(name));
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    release: () => {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
};
