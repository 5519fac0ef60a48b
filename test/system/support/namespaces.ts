import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';

/** Whoever interrupts a test finds no namespace left behind. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const HARD_AFTER_MS = 3_000;

/** Resolves once the child is gone. */
export const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => {
        child.once('exit', () => resolve());
      });

export const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });

export interface Namespaces {
  readonly isEmpty: boolean;
  add(namespace: string): void;
  /** Takes care of a child's end. */
  keep<Child extends ChildProcess>(child: Child): Child;
  /** Pings until one is answered; false when none was in that time. */
  reach(namespace: string, address: string, milliseconds: number): Promise<boolean>;
  /** Ends every child and removes every namespace. */
  close(): Promise<void>;
}

/** Network namespaces and what runs in them; nothing of it outlives the test, however that ends. */
export const createNamespaces = (): Namespaces => {
  const names: string[] = [];
  const children = new Set<ChildProcess>();
  const killAll = (signal: NodeJS.Signals): void => {
    for (const child of children) child.kill(signal);
  };
  const killNow = (): void => {
    killAll('SIGKILL');
    for (const name of names.splice(0).reverse()) spawnSync('ip', ['netns', 'del', name]);
  };
  const leave = (): never => process.exit(1);
  process.once('exit', killNow);
  for (const signal of SIGNALS) process.once(signal, leave);
  const keep = <Child extends ChildProcess>(child: Child): Child => {
    children.add(child);
    return child;
  };
  return {
    get isEmpty() {
      return names.length === 0;
    },
    add: (name) => {
      ip('netns', 'add', name);
      names.push(name);
    },
    keep,
    reach: async (namespace, address, milliseconds) => {
      const deadline = Date.now() + milliseconds;
      const words = ['netns', 'exec', namespace, 'ping', '-c', '1', '-W', '1', address];
      for (;;) {
        const child = keep(spawn('ip', words, { stdio: 'ignore' }));
        await ended(child);
        if (child.exitCode === 0) return true;
        if (Date.now() > deadline) return false;
      }
    },
    close: async () => {
      killAll('SIGTERM');
      const hard = setTimeout(() => killAll('SIGKILL'), HARD_AFTER_MS);
      await Promise.all([...children].map(ended));
      clearTimeout(hard);
      killNow();
      process.off('exit', killNow);
      for (const signal of SIGNALS) process.off(signal, leave);
    },
  };
};
