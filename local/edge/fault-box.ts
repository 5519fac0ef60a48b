import type { FaultSpec } from './faults.ts';

export type FaultEffect = FaultSpec['effect'];
export type FaultKind = FaultEffect['kind'];
type EffectOf<K extends FaultKind> = Extract<FaultEffect, { kind: K }>;

/** A call, or a step on a node, that a fault may strike. */
export interface Target {
  readonly service: string;
  readonly action: string;
  readonly body: string;
}

interface Entry {
  readonly spec: FaultSpec;
  seen: number;
  struck: number;
}

const matches = (spec: FaultSpec, target: Target): boolean =>
  spec.service === target.service &&
  (spec.action === target.action || spec.action === '*') &&
  (spec.match === undefined || target.body.includes(spec.match));

/** The faults waiting to strike. A spent fault stays listed, so that a test can see how often it struck. */
export class FaultBox {
  #entries: Entry[] = [];

  add(specs: readonly FaultSpec[]): void {
    this.#entries.push(...specs.map((spec) => ({ spec, seen: 0, struck: 0 })));
  }

  clear(): void {
    this.#entries = [];
  }

  list(): { spec: FaultSpec; struck: number; spent: boolean }[] {
    return this.#entries.map(({ spec, struck }) => ({ spec, struck, spent: struck >= spec.times }));
  }

  /** Counts the target against every fault of these kinds and returns the effects that strike it, oldest first. */
  strike<K extends FaultKind>(target: Target, kinds: readonly K[]): EffectOf<K>[] {
    const effects: EffectOf<K>[] = [];
    for (const entry of this.#entries) {
      const effect = entry.spec.effect;
      if (entry.struck >= entry.spec.times || !isOneOf(effect, kinds) || !matches(entry.spec, target)) continue;
      entry.seen += 1;
      if (entry.seen <= entry.spec.after) continue;
      entry.struck += 1;
      effects.push(effect);
    }
    return effects;
  }
}

const isOneOf = <K extends FaultKind>(effect: FaultEffect, kinds: readonly K[]): effect is EffectOf<K> =>
  kinds.some((kind) => kind === effect.kind);
