import type { Log } from '../shared/log.ts';
import type { LiveSettings, LiveValues } from './ports.ts';

/** What the known control plane asks for. */
export const DEFAULTS: LiveValues = { heartbeatSeconds: 30, statusSeconds: 30, idleShutdownMinutes: 0 };

/** The heartbeat must be heard well within the two minutes of silence that make a node unhealthy on both sides. */
const LIMITS: { readonly [K in keyof LiveValues]: readonly [least: number, most: number] } = {
  heartbeatSeconds: [5, 60],
  statusSeconds: [5, 300],
  idleShutdownMinutes: [5, 10_080],
};

/** Holds what may change while the agent runs, and tells who listens of each change. */
export class Live implements LiveSettings {
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  #values: LiveValues = DEFAULTS;

  constructor(log: Log) {
    this.#log = log;
  }

  get values(): LiveValues {
    return this.#values;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  apply(change: Parameters<LiveSettings['apply']>[0], source: string): LiveValues {
    const before = this.#values;
    this.#values = {
      heartbeatSeconds: this.#clamped('heartbeatSeconds', change.heartbeatSeconds, source),
      statusSeconds: this.#clamped('statusSeconds', change.statusSeconds, source),
      idleShutdownMinutes: this.#clamped('idleShutdownMinutes', change.idleShutdownMinutes, source),
    };
    const names = Object.keys(before) as (keyof LiveValues)[];
    if (names.some((name) => before[name] !== this.#values[name])) {
      this.#log('info', 'settings changed', { source, ...this.#values });
      for (const listener of this.#listeners) listener();
    }
    return this.#values;
  }

  #clamped(name: keyof LiveValues, asked: number | undefined, source: string): number {
    const inForce = this.#values[name];
    if (asked === undefined) return inForce;
    if (asked === 0) return name === 'idleShutdownMinutes' ? 0 : inForce;
    const [least, most] = LIMITS[name];
    const value = Number.isFinite(asked) ? Math.min(most, Math.max(least, Math.trunc(asked))) : inForce;
    if (value !== asked) this.#log('warn', 'setting clamped', { source, setting: name, asked, value });
    return value;
  }
}
