import { DialError } from '../dial.ts';
import { isDict, isKubeObject, type KubeObject, listAt, textAt } from '../object.ts';
import {
  apiVersionOf,
  BUILT_IN,
  fullName,
  isCalled,
  pathOf,
  type Resource,
  resourceOfDefinition,
} from '../server/kinds.ts';
import { type ExchangeResponse, exchange } from './exchange.ts';
import { type Connection, type ConnectionOptions, connectionOf } from './kubeconfig.ts';

/** A refusal of the API server. */
export class KubeError extends Error {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = 'KubeError';
    this.code = code;
    this.reason = reason;
  }
}

/** The API server's certificate is not for the name it was called by. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** Header by which a client without TLS says which name it expects on the certificate. */
export const SERVER_NAME_HEADER = 'x-standin-server-name';
export const WRONG_NAME = 495;

/** `resource` as one types it for `kubectl`: plural, singular, kind, short name, with or without the group. */
export interface Reference {
  readonly resource: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

export interface Selection {
  readonly resource: string;
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly selector?: string | undefined;
  readonly fields?: string | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

const errorOf = ({ status, text }: ExchangeResponse): KubeError => {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return new KubeError(status, 'NotFound', 'the server could not find the requested resource');
  }
  return new KubeError(status, textAt(body, 'reason'), textAt(body, 'message'));
};

/** Talks to an API server as a program on this node could: by kubeconfig, over {@link exchange}. */
export class KubeClient {
  readonly config: Connection;
  readonly #timeoutMs: number;
  #custom: Promise<Resource[]> | undefined;

  constructor(config: Connection, timeoutMs = 30_000) {
    this.config = config;
    this.#timeoutMs = timeoutMs;
  }

  static open(options: ConnectionOptions = {}, timeoutMs?: number): KubeClient {
    return new KubeClient(connectionOf(options), timeoutMs);
  }

  /** Any request; whatever the answer. */
  async raw(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<RawAnswer> {
    const { server, token, proxyUrl, tlsServerName } = this.config;
    const url = new URL(server);
    const expected = url.protocol === 'https:' ? { [SERVER_NAME_HEADER]: tlsServerName ?? url.hostname } : {};
    const headers = {
      ...expected,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': contentType }),
    };
    const message = {
      method,
      host: url.hostname,
      port: Number(url.port || (url.protocol === 'https:' ? '443' : '80')),
      path,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      proxy: proxyUrl,
      timeoutMs: this.#timeoutMs,
    };
    const answer = await exchange(message).catch((error: unknown) => {
      // As Go's clients do: a look is repeated on a connection that broke.
      if (method === 'GET' && error instanceof DialError && error.code === 'ECONNRESET') return exchange(message);
      throw error;
    });
    if (answer.status === WRONG_NAME) throw new TlsError(answer.text);
    return answer;
  }

  async #ask(method: string, path: string, body?: unknown, contentType?: string): Promise<KubeObject> {
    const response = await this.raw(method, path, body, contentType);
    if (response.status >= 400) throw errorOf(response);
    const parsed: unknown = JSON.parse(response.text);
    if (!isKubeObject(parsed)) throw new KubeError(500, 'InternalError', 'the answer is no object');
    return parsed;
  }

  /** Kinds that have a CustomResourceDefinition. */
  async #customKinds(): Promise<Resource[]> {
    this.#custom ??= this.raw('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions').then((response) => {
      if (response.status >= 400) throw errorOf(response);
      return listAt(JSON.parse(response.text), 'items').filter(isDict).map(resourceOfDefinition);
    });
    return await this.#custom;
  }

  /** @throws KubeError `NotFound` where the server knows no such kind */
  async resource(name: string): Promise<Resource> {
    const found =
      BUILT_IN.find((resource) => isCalled(resource, name)) ??
      (await this.#customKinds()).find((resource) => isCalled(resource, name));
    if (found === undefined)
      throw new KubeError(404, 'UnknownResource', `the server doesn't have a resource type "${name}"`);
    return found;
  }

  async resourceOfKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Promise<Resource> {
    const is = (resource: Resource): boolean => resource.kind === kind && apiVersionOf(resource) === apiVersion;
    const found = BUILT_IN.find(is) ?? (await this.#customKinds()).find(is);
    if (found !== undefined) return found;
    const message = `no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`;
    throw new KubeError(404, 'NoMatch', message);
  }

  async #path({ resource, namespace, name }: Reference): Promise<string> {
    const found = await this.resource(resource);
    return `${pathOf(found, namespace ?? this.config.namespace)}/${encodeURIComponent(name)}`;
  }

  async get(reference: Reference): Promise<KubeObject> {
    return await this.#ask('GET', await this.#path(reference));
  }

  async find(reference: Reference): Promise<KubeObject | undefined> {
    try {
      return await this.get(reference);
    } catch (error) {
      if (error instanceof KubeError && error.code === 404) return undefined;
      throw error;
    }
  }

  async list({ resource, namespace, selector = '', fields = '' }: Selection): Promise<KubeObject[]> {
    const found = await this.resource(resource);
    const query = new URLSearchParams({ labelSelector: selector, fieldSelector: fields });
    const response = await this.raw('GET', `${pathOf(found, namespace)}?${query.toString()}`);
    if (response.status >= 400) throw errorOf(response);
    return listAt(JSON.parse(response.text), 'items').filter(isKubeObject);
  }

  async create(object: KubeObject): Promise<KubeObject> {
    const resource = await this.resourceOfKind(object);
    this.#forgetKinds(resource);
    return await this.#ask('POST', pathOf(resource, object.metadata.namespace ?? this.config.namespace), object);
  }

  /** Creates it or merges it into what is there, as `kubectl apply`. */
  async apply(object: KubeObject): Promise<KubeObject> {
    const resource = await this.resourceOfKind(object);
    this.#forgetKinds(resource);
    const collection = pathOf(resource, object.metadata.namespace ?? this.config.namespace);
    return await this.#ask('PATCH', `${collection}/${encodeURIComponent(object.metadata.name)}`, object, APPLY);
  }

  async patch(reference: Reference, patch: unknown): Promise<KubeObject> {
    return await this.#ask('PATCH', await this.#path(reference), patch, MERGE);
  }

  async delete(reference: Reference): Promise<KubeObject> {
    return await this.#ask('DELETE', await this.#path(reference));
  }

  #forgetKinds(resource: Resource): void {
    if (fullName(resource).startsWith('customresourcedefinitions.')) this.#custom = undefined;
  }
}
