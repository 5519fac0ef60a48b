import { type Output, streamOutput } from './render/output.ts';

/** Everything a command has of the outside world beside AWS. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Milliseconds between two looks at an execution. */
  readonly pollMilliseconds: number;
  readonly now: () => Date;
  /** Asks on the terminal; undefined where nobody can answer. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly interruption: Interruption;
}

/** Ctrl-C. The handler is only put in place by commands that have something to say about it. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** What to tell whoever interrupts: what goes on without the command, and how to follow or undo it. */
  notice: string;
  arm(): void;
  disarm(): void;
}

const processInterruption = (): Interruption => {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  return {
    signal: controller.signal,
    notice: '',
    arm: () => {
      process.once('SIGINT', interrupt);
    },
    disarm: () => {
      process.off('SIGINT', interrupt);
    },
  };
};

const terminalQuestion = async (question: string): Promise<string> => {
  const { createInterface } = await import('node:readline');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Reading a line, the terminal hands Ctrl-C to the reader instead of the process.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  return new Promise((resolve) => {
    // Ctrl-D is no answer.
    terminal.on('close', () => resolve(''));
    terminal.question(question, (answer) => {
      resolve(answer);
      terminal.close();
    });
  });
};

export const processIo = (): Io => ({
  out: streamOutput(process.stdout, process.env),
  err: streamOutput(process.stderr, process.env),
  environment: process.env,
  // The embedded cloud is near and fast; AWS lets an account read 20 histories a second.
  pollMilliseconds: process.env.AWS_ENDPOINT_URL === undefined ? 1000 : 250,
  now: () => new Date(),
  ask: process.stdin.isTTY ? terminalQuestion : undefined,
  interruption: processInterruption(),
});
