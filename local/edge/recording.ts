/** One line of the record: how often a call was made and how often it was refused. */
export interface CallCount {
  readonly service: string;
  readonly action: string;
  readonly count: number;
  readonly refused: number;
}

/** Counts the AWS calls that pass the edge, for the measurements and for tests that ask what was called. */
export class Recording {
  readonly #counts = new Map<string, { service: string; action: string; count: number; refused: number }>();

  add(service: string, action: string, status: number): void {
    const key = `${service} ${action}`;
    const entry = this.#counts.get(key) ?? { service, action, count: 0, refused: 0 };
    entry.count += 1;
    if (status >= 400) entry.refused += 1;
    this.#counts.set(key, entry);
  }

  list(): CallCount[] {
    return [...this.#counts.values()]
      .map((entry) => ({ ...entry }))
      .sort((a, b) => a.service.localeCompare(b.service) || a.action.localeCompare(b.action));
  }

  clear(): void {
    this.#counts.clear();
  }
}
