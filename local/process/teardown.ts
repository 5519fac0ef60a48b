/** What must be undone, last thing first. Everything is tried, whatever fails on the way. */
export class Teardown {
  readonly #undo: (() => Promise<unknown>)[] = [];
  #running: Promise<void> | undefined;

  add(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** Idempotent: a second caller waits for the first one's end. @throws the first failure, after all was tried */
  run(): Promise<void> {
    this.#running ??= this.#runAll();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const undo of this.#undo.toReversed()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
