/** An agent's line to Systems Manager. While it is cut nothing gets through either way, and nothing is lost. */
export class Link {
  #cut: PromiseWithResolvers<void> | undefined;

  cut(): void {
    this.#cut ??= Promise.withResolvers<void>();
  }

  mend(): void {
    this.#cut?.resolve();
    this.#cut = undefined;
  }

  /** Resolves once the line is there. */
  async up(): Promise<void> {
    while (this.#cut !== undefined) await this.#cut.promise;
  }
}
