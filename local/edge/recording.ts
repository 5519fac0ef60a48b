/** One line of the record: how often a call was made and how often it was refused. */
export interface CallCount {
  readonly service: string;
  readonly action: string;
  readonly count: number;
  readonly refused: number;
}

/** Paths name resources; for counting, a part that looks like an id, an ARN or a digest is as good as any other. */
const withoutIds = (action: string): string =>
  action
    .split('/')
    .map((part, at) => (at > 0 && /%3A|[0-9a-f]{8}|^[0-9a-z]{10}$/i.test(part) ? '*' : part))
    .join('/');

/** Counts the AWS calls that pass the edge, for the measurements and for tests that ask what was called. */
export class Recording {
  readonly #counts = new Map<string, { service: string; action: string; count: number; refused: number }>();

  add(service: string, action: string, status: number): void {
    const named = withoutIds(action);
    const key = `${service} ${named}`;
    const entry = this.#counts.get(key) ?? { service, action: named, count: 0, refused: 0 };
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
