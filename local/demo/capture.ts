import type { Io, Output } from '../../cli/index.ts';

/** An output that keeps what is written. */
export class Capture implements Output {
  readonly isTerminal = false;
  readonly columns = 200;
  readonly rows = 50;
  readonly colour = false;
  text = '';

  write(text: string): void {
    this.text += text;
  }
}

/** The command's view of the world in the demo: the embedded cloud instead of AWS, the demo's own interruption. */
export const demoIo = (io: Io, environment: NodeJS.ProcessEnv, signal: AbortSignal): Io => ({
  ...io,
  environment,
  pollMilliseconds: 250,
  ask: undefined,
  interruption: { signal, notice: '', arm: () => undefined, disarm: () => undefined },
});
