/** A queue between whoever sends and the one stream that takes its time. Never grows beyond its limit. */
export class Outbox<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #waiting: T[] = [];
  #wake: (() => void) | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns whether there was room; nobody takes anything after the end */
  push(message: T): boolean {
    if (this.#end !== undefined || this.#waiting.length >= this.#limit) return false;
    this.#waiting.push(message);
    this.#wake?.();
    return true;
  }

  /** What waits is still taken; then comes the error, if there is one. The first end counts. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#end !== undefined) break;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    if (this.#end.error !== undefined) throw this.#end.error;
  }
}
