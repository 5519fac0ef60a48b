import type { Resource } from './kinds.ts';
import type { Store } from './store.ts';

/** Where a request to an object or a collection goes. */
export interface Route {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** `status`, `log`, `eviction`, `finalize`, `proxy`. */
  readonly subresource: string | undefined;
  /** What follows the subresource. */
  readonly rest: string;
}

const SUBRESOURCES = ['status', 'scale', 'log', 'eviction', 'finalize', 'proxy', 'binding', 'approval'];

/** Takes a path apart; undefined where no such resource is served. */
export const routeOf = (store: Store, path: string): Route | undefined => {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...below] = parts;
  if (root !== 'api' && root !== 'apis') return undefined;
  const [group = '', version = '', ...tail] = root === 'api' ? ['', ...below] : below;
  const scoped = tail[0] === 'namespaces' && tail.length > 2 && !SUBRESOURCES.includes(tail[2] ?? '');
  const [plural = '', name, subresource, ...rest] = scoped ? tail.slice(2) : tail;
  const resource = store.resource(group, version, plural);
  if (resource === undefined) return undefined;
  return { resource, namespace: scoped ? tail[1] : undefined, name, subresource, rest: `/${rest.join('/')}` };
};
