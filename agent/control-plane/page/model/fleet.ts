import type { HelloEvent, NodeView, PathState } from '../../views.ts';

/** What the page knows: the last `hello` and everything since. Never changed in place. */
export interface Fleet {
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly version: string;
  readonly staleAfterSeconds: number;
  readonly deadAfterSeconds: number;
  readonly path: PathState;
}

export const UNKNOWN_FLEET: Fleet = {
  nodes: new Map(),
  version: '',
  staleAfterSeconds: 0,
  deadAfterSeconds: 0,
  path: 'ok',
};

/** One thing that happened to the fleet. */
export type Change =
  | { readonly kind: 'hello'; readonly hello: HelloEvent }
  | { readonly kind: 'node'; readonly node: NodeView }
  | { readonly kind: 'gone'; readonly id: string }
  | { readonly kind: 'path'; readonly path: PathState };

const started = (hello: HelloEvent): Fleet => ({
  nodes: new Map(hello.nodes.map((node) => [node.id, node])),
  version: hello.version,
  staleAfterSeconds: hello.stale_after_seconds,
  deadAfterSeconds: hello.dead_after_seconds,
  path: hello.path,
});

/** Takes in many changes at once: with a thousand nodes, a copy for each would cost more than drawing. */
export const applyChanges = (fleet: Fleet, changes: readonly Change[]): Fleet => {
  let next = fleet;
  let nodes = new Map(fleet.nodes);
  for (const change of changes) {
    if (change.kind === 'hello') {
      next = started(change.hello);
      nodes = new Map(next.nodes);
    } else if (change.kind === 'node') nodes.set(change.node.id, change.node);
    else if (change.kind === 'gone') nodes.delete(change.id);
    else next = { ...next, path: change.path };
  }
  return { ...next, nodes };
};
