import { randomUUID } from 'node:crypto';
import { isDict, isKubeObject, type KubeObject, listAt, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import type { Cluster } from './cluster.ts';
import { apiVersionOf, builtIn, fullName } from './kinds.ts';
import { callingNode, nodeMay } from './node-rights.ts';
import { podLog } from './pod-log.ts';
import { proxyToService } from './proxy-service.ts';
import { type Route, routeOf } from './route.ts';
import { selects } from './selector.ts';
import { badRequest, forbidden, StatusError, unknownResource } from './status.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  /** The header, empty without one. */
  readonly authorization: string;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
}

export interface ApiResponse {
  readonly status: number;
  /** Text is sent as it is. */
  readonly body: unknown;
}

const ok = (body: unknown, status = 200): ApiResponse => ({ status, body });

const objectIn = (body: unknown, route: Route): KubeObject => {
  if (!isDict(body)) throw badRequest('the request has no object in it');
  const object = { apiVersion: apiVersionOf(route.resource), kind: route.resource.kind, metadata: {}, ...body };
  if (!isKubeObject(object)) throw badRequest('the object has no metadata');
  if (object.kind !== route.resource.kind) throw badRequest(`${object.kind} is not a ${route.resource.kind}`);
  return object;
};

const verbOf = ({ method }: ApiRequest, route: Route): string => {
  if (method === 'GET') return route.name === undefined ? 'list' : 'get';
  return { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method.toLowerCase();
};

/** Lines `verb resource` of the knob `deny`; `*` stands for any. */
export const isDenied = (verb: string, resource: string): boolean =>
  (readKnob('kube/deny') ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([v, r]) => (v === verb || v === '*') && (r === resource || r === '*'));

const reviewAccess = (body: unknown): ApiResponse => {
  const asked = listAt({ a: [isDict(body) ? body : {}] }, 'a')[0];
  const group = textAt(asked, 'spec', 'resourceAttributes', 'group');
  const plural = textAt(asked, 'spec', 'resourceAttributes', 'resource');
  const verb = textAt(asked, 'spec', 'resourceAttributes', 'verb');
  const allowed = !isDenied(verb, plural) && !isDenied(verb, fullName({ plural, group }));
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {} };
  return ok({ ...review, ...(isDict(asked) ? { spec: asked.spec } : {}), status: { allowed } }, 201);
};

const listed = (cluster: Cluster, route: Route, query: URLSearchParams): KubeObject[] =>
  cluster.store
    .list(route.resource, route.namespace)
    .filter((object) => selects(object, query.get('labelSelector') ?? '', query.get('fieldSelector') ?? ''))
    .sort((a, b) => sortKey(a).localeCompare(sortKey(b)));

const sortKey = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const collection = (cluster: Cluster, request: ApiRequest, route: Route): ApiResponse => {
  const { resource, namespace } = route;
  if (request.method === 'POST') return ok(cluster.create(resource, namespace, objectIn(request.body, route)), 201);
  const items = listed(cluster, route, request.query);
  if (request.method === 'DELETE') {
    for (const { metadata } of items) cluster.remove(resource, metadata.namespace, metadata.name);
  } else if (request.method !== 'GET')
    throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  const metadata = { resourceVersion: String(cluster.store.version) };
  return ok({ apiVersion: apiVersionOf(resource), kind: `${resource.kind}List`, metadata, items });
};

const changed = (cluster: Cluster, request: ApiRequest, route: Route, name: string): ApiResponse => {
  const { resource, namespace } = route;
  if (request.contentType.startsWith('application/apply-patch')) {
    const existed = cluster.find(resource, namespace, name) !== undefined;
    const object = objectIn(request.body, route);
    object.metadata.name = name;
    return ok(cluster.apply(resource, namespace, object), existed ? 200 : 201);
  }
  return ok(cluster.patch(resource, namespace, name, request.body));
};

const one = (cluster: Cluster, request: ApiRequest, route: Route, name: string): ApiResponse => {
  const { resource, namespace } = route;
  switch (request.method) {
    case 'GET':
      return ok(cluster.get(resource, namespace, name));
    case 'PUT':
      return ok(cluster.replace(resource, namespace, objectIn(request.body, route)));
    case 'PATCH':
      return changed(cluster, request, route, name);
    case 'DELETE':
      return ok(cluster.remove(resource, namespace, name));
    default:
      throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
};

const subresource = async (cluster: Cluster, request: ApiRequest, route: Route, name: string): Promise<ApiResponse> => {
  const { resource, namespace } = route;
  switch (route.subresource) {
    case 'log':
      return ok(podLog(cluster.get(resource, namespace, name), request.query));
    case 'eviction':
      return ok(cluster.remove(builtIn('pods'), namespace, name), 201);
    case 'finalize':
      return ok(cluster.finalize(name, objectIn(request.body, route)));
    case 'proxy':
      return await proxyToService(cluster, request, route, name);
    case 'token':
      if (resource.plural !== 'serviceaccounts' || request.method !== 'POST') throw unknownResource();
      cluster.get(resource, namespace, name);
      return ok({ kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', status: { token: randomUUID() } }, 201);
    case 'status':
      return one(cluster, request, route, name);
    default:
      throw unknownResource();
  }
};

const discovery = (cluster: Cluster, path: string): ApiResponse | undefined => {
  const resources = cluster.store.resources();
  const [root, group = '', version = ''] = path.split('/').filter((part) => part !== '');
  if (path === '/version') {
    const [, major = '1', minor = '31'] = /^v(\d+)\.(\d+)/.exec(cluster.options.version) ?? [];
    return ok({ major, minor, gitVersion: cluster.options.version, platform: 'linux/amd64' });
  }
  if (root !== 'apis' || path.split('/').filter(Boolean).length > 3) return undefined;
  if (group === '') {
    const groups = [...new Set(resources.map((r) => r.group))].filter((name) => name !== '');
    return ok({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((name) => ({ name })) });
  }
  const served = resources.filter((r) => r.group === group && (version === '' || r.version === version));
  if (served.length === 0) return undefined;
  const list = served.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced }));
  return ok({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/${version}`, resources: list });
};

/** Everybody but a kubelet may do everything. */
const isRightOfNode = (cluster: Cluster, request: ApiRequest, route: Route, verb: string): boolean => {
  const node = callingNode(request.authorization);
  if (node === undefined) return true;
  const { resource, namespace, name, subresource } = route;
  const object = name === undefined ? undefined : cluster.find(resource, namespace, name);
  const fieldSelector = request.query.get('fieldSelector') ?? '';
  return nodeMay(node, { verb, plural: fullName(resource), subresource, name, fieldSelector, object });
};

/** Answers a request; throws {@link StatusError} for a refusal. */
export const answer = async (cluster: Cluster, request: ApiRequest): Promise<ApiResponse> => {
  const { path } = request;
  if (['/livez', '/readyz', '/healthz'].includes(path)) return ok('ok');
  if (path.endsWith('/selfsubjectaccessreviews') && request.method === 'POST') return reviewAccess(request.body);
  const route = routeOf(cluster.store, path);
  if (route === undefined) {
    const found = discovery(cluster, path);
    if (found !== undefined) return found;
    return { status: 404, body: '404 page not found\n' };
  }
  const verb = verbOf(request, route);
  const plural = fullName(route.resource);
  if (isDenied(verb, plural) || !isRightOfNode(cluster, request, route, verb)) {
    const where = route.namespace === undefined ? 'at the cluster scope' : `in the namespace "${route.namespace}"`;
    const why = `User "system:standin" cannot ${verb} resource "${route.resource.plural}" in API group "${route.resource.group}" ${where}`;
    throw forbidden(plural, route.name ?? '', why);
  }
  if (route.name === undefined) return collection(cluster, request, route);
  if (route.subresource === undefined) return one(cluster, request, route, route.name);
  return await subresource(cluster, request, route, route.name);
};
