import { setTimeout as sleep } from 'node:timers/promises';
import { hasKnob } from '../place.ts';
import { Exit } from '../program.ts';

const FRAMES = ['⠈⠁', '⠈⠑', '⠈⠱', '⠈⡱', '⢀⡱', '⢄⡱', '⢆⡱', '⢎⡱'];

/**
 * Everything but results goes to standard error, as the real program's: plain where nobody looks, with spinner and
 * colours where `/run/standins/colour` says that somebody does.
 */
export class Printer {
  readonly #scope: string;

  constructor(scope = '') {
    this.#scope = scope === '' ? '' : `(${scope}) `;
  }

  #line(prefix: string, colour: number, text: string): void {
    const head = hasKnob('colour') ? `\u001B[${colour};1m ${prefix} \u001B[0m ` : ` ${prefix}  `;
    process.stderr.write(`${head}${this.#scope}${text}\n`);
  }

  info(text: string): void {
    this.#line('INFO', 32, text);
  }

  warn(text: string): void {
    this.#line('WARN', 33, text);
  }

  error(text: string): void {
    this.#line('ERRO', 31, text);
  }

  /** Prints the error and ends the program, as `CheckErr` and `ExitOnErr` do. */
  fail(text: string): never {
    this.error(text);
    throw new Exit(1);
  }

  /** What a spinner shows while it turns. */
  spin(text: string): void {
    if (!hasKnob('colour')) return;
    for (const frame of FRAMES) process.stderr.write(`\r\u001B[K\u001B[94m${frame}\u001B[0m ${text}`);
    process.stderr.write('\r\u001B[K');
  }

  scoped(scope: string): Printer {
    return new Printer(scope);
  }
}

/** Looks until it is so; false at the limit. */
export const until = async (isSo: () => Promise<boolean>, limitMs: number): Promise<boolean> => {
  const deadline = Date.now() + limitMs;
  for (;;) {
    if (await isSo()) return true;
    if (Date.now() >= deadline) return false;
    await sleep(Math.min(150, Math.max(1, deadline - Date.now())));
  }
};
