/** One step of bringing the cloud up, for whoever watches. */
export interface StageEvent {
  readonly stage: string;
  readonly state: 'started' | 'done';
  /** What came of it, in a few words. */
  readonly detail?: string;
  readonly milliseconds?: number;
}

export interface StageTiming {
  readonly stage: string;
  readonly milliseconds: number;
}

/** Times the stages and tells who wants to know. */
export class Stages {
  readonly #timings: StageTiming[] = [];
  readonly #tell: (event: StageEvent) => void;

  constructor(tell: (event: StageEvent) => void) {
    this.#tell = tell;
  }

  /** Runs one stage; `detail` turns its result into a few words. */
  async run<T>(stage: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T> {
    this.#tell({ stage, state: 'started' });
    const start = performance.now();
    const result = await work();
    const milliseconds = Math.round(performance.now() - start);
    this.#timings.push({ stage, milliseconds });
    this.#tell({ stage, state: 'done', milliseconds, ...(detail !== undefined && { detail: detail(result) }) });
    return result;
  }

  timings(): readonly StageTiming[] {
    return this.#timings;
  }
}
