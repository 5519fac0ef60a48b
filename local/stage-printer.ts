import { formatElapsed, type Output, paint } from '../cli/index.ts';
import type { StageEvent } from './stages.ts';

const FRAME_MS = 250;
const CLEAR_LINE = '\r\x1b[2K';

/** Shows stages as they end, and on a terminal also which ones are under way. */
export class StagePrinter {
  readonly #out: Output;
  readonly #running = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(out: Output) {
    this.#out = out;
  }

  readonly show = (event: StageEvent): void => {
    if (event.state === 'started') {
      this.#running.set(event.stage, performance.now());
      this.#tick();
      return;
    }
    this.#running.delete(event.stage);
    const took = formatElapsed(event.milliseconds ?? 0).padStart(7);
    const detail = event.detail === undefined ? '' : `  ${paint(this.#out, 'dim', event.detail)}`;
    this.#erase();
    this.#out.write(`  ${paint(this.#out, 'green', '✓')} ${event.stage.padEnd(20)}${took}${detail}\n`);
    this.#tick();
  };

  /** Takes away what is only shown while something runs. */
  finish(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#running.clear();
    this.#erase();
  }

  #tick(): void {
    if (!this.#out.isTerminal) return;
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS);
    this.#draw();
  }

  #draw(): void {
    const names = [...this.#running].map(([stage, since]) => `${stage} ${formatElapsed(performance.now() - since)}`);
    const line = names.length === 0 ? '' : `  … ${names.join(', ')}`;
    this.#out.write(`${CLEAR_LINE}${paint(this.#out, 'dim', line.slice(0, Math.max(20, this.#out.columns - 1)))}`);
  }

  #erase(): void {
    if (this.#out.isTerminal) this.#out.write(CLEAR_LINE);
  }
}
