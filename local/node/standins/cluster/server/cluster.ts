import { applyPatch, dig, isDict, type KubeObject, mergePatch, textAt } from '../object.ts';
import { podSecurity } from './admission.ts';
import { builtIn, fullName, type Resource } from './kinds.ts';
import { alreadyExists, conflict, forbidden, notFound, StatusError } from './status.ts';
import { Store } from './store.ts';

export interface ClusterOptions {
  /** File that keeps the objects; undefined: memory only. */
  readonly file?: string | undefined;
  /** Kubernetes version, with its `v`. */
  readonly version: string;
  /** PodSecurity level of namespaces without a label. */
  readonly podSecurity: 'privileged' | 'baseline';
  /** Whether nodes wait for Cilium (flannel is off). */
  readonly needsCni: boolean;
  /** Range from which nodes without one are given their pods' addresses. @default 10.42.0.0/16 */
  readonly podCidr?: string;
  /** Names and addresses on the API server's certificate; undefined: any. */
  readonly certificateNames?: readonly string[] | undefined;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const NAMESPACES = builtIn('namespaces');

/** The rules under which objects come, change and go. */
export class Cluster {
  readonly store: Store;
  readonly options: ClusterOptions;
  #names = 0;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.store = new Store(options.file);
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      if (this.find(NAMESPACES, undefined, name) === undefined) {
        this.create(NAMESPACES, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      }
    }
  }

  find(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.store.get(resource, namespace, name);
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(resource, namespace, name);
    if (found === undefined) throw notFound(fullName(resource), name);
    return found;
  }

  create(resource: Resource, namespace: string | undefined, object: KubeObject): KubeObject {
    const made = this.#complete(resource, namespace, object);
    const { name } = made.metadata;
    if (name === '')
      throw new StatusError(422, 'Invalid', `${resource.kind} "" is invalid: metadata.name: Required value`);
    if (resource.namespaced) this.#admit(resource, made);
    if (this.find(resource, made.metadata.namespace, name) !== undefined) throw alreadyExists(fullName(resource), name);
    return this.store.put(resource, made);
  }

  replace(resource: Resource, namespace: string | undefined, object: KubeObject): KubeObject {
    const old = this.get(resource, namespace, object.metadata.name);
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(fullName(resource), old.metadata.name);
    }
    return this.#settle(resource, this.#complete(resource, namespace, object));
  }

  patch(resource: Resource, namespace: string | undefined, name: string, patch: unknown): KubeObject {
    const old = this.get(resource, namespace, name);
    const patched = mergePatch(old, patch) as KubeObject;
    return this.#settle(resource, { ...patched, metadata: { ...patched.metadata, name } });
  }

  /** Creates, or merges as `kubectl apply` does: what the last apply had and this one has not is taken away. */
  apply(resource: Resource, namespace: string | undefined, object: KubeObject): KubeObject {
    const old = this.find(resource, namespace, object.metadata.name);
    const remembered = JSON.stringify(object);
    const annotations = { ...object.metadata.annotations, [LAST_APPLIED]: remembered };
    const wanted = { ...object, metadata: { ...object.metadata, annotations } };
    if (old === undefined) return this.create(resource, namespace, wanted);
    const last = textAt(old, 'metadata', 'annotations', LAST_APPLIED);
    const patch = applyPatch(last === '' ? {} : (JSON.parse(last) as unknown), object);
    const full = mergePatch(patch, { metadata: { annotations: { [LAST_APPLIED]: remembered } } });
    return this.patch(resource, namespace, object.metadata.name, full);
  }

  /** What has finalizers, and a namespace always, is marked and waits. */
  remove(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const old = this.get(resource, namespace, name);
    if (resource.plural === 'namespaces' && ['default', 'kube-system', 'kube-public'].includes(name)) {
      throw forbidden('namespaces', name, 'this namespace may not be deleted');
    }
    const waits = (old.metadata.finalizers ?? []).length > 0 || resource.plural === 'namespaces';
    if (!waits) {
      this.store.remove(resource, old);
      return old;
    }
    return this.store.update(resource, old, (copy) => {
      copy.metadata.deletionTimestamp ??= new Date().toISOString();
      if (resource.plural === 'namespaces')
        copy.status = { ...(isDict(copy.status) ? copy.status : {}), phase: 'Terminating' };
    });
  }

  /** The namespace's finalize endpoint: with no finalizer left a namespace being deleted is gone, whatever is in it. */
  finalize(name: string, object: KubeObject): KubeObject {
    const old = this.get(NAMESPACES, undefined, name);
    const finalizers = dig(object, 'spec', 'finalizers') ?? [];
    const updated = this.store.update(NAMESPACES, old, (copy) => {
      copy.spec = { ...(isDict(copy.spec) ? copy.spec : {}), finalizers };
    });
    return this.#settle(NAMESPACES, updated);
  }

  /** Removes what was waiting for its last finalizer. */
  #settle(resource: Resource, object: KubeObject): KubeObject {
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const open = resource.plural === 'namespaces' ? dig(object, 'spec', 'finalizers') : undefined;
    const held = finalizers.length > 0 || (Array.isArray(open) && open.length > 0);
    if (deletionTimestamp === undefined || held) return this.store.put(resource, object);
    this.store.remove(resource, object);
    return object;
  }

  #complete(resource: Resource, namespace: string | undefined, object: KubeObject): KubeObject {
    const copy = structuredClone(object);
    const { metadata } = copy;
    metadata.name ??= '';
    if (metadata.name === '' && metadata.generateName !== undefined) {
      this.#names += 1;
      metadata.name = `${metadata.generateName}${(this.store.version * 31 + this.#names).toString(36).padStart(5, '0')}`;
    }
    if (resource.namespaced) metadata.namespace = namespace ?? metadata.namespace ?? 'default';
    else delete metadata.namespace;
    if (resource.plural !== 'namespaces') return copy;
    metadata.labels = { 'kubernetes.io/metadata.name': metadata.name, ...metadata.labels };
    copy.spec ??= { finalizers: ['kubernetes'] };
    copy.status ??= { phase: 'Active' };
    return copy;
  }

  #admit(resource: Resource, object: KubeObject): void {
    const { name, namespace = 'default' } = object.metadata;
    const home = this.get(NAMESPACES, undefined, namespace);
    if (home.metadata.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
      throw forbidden(fullName(resource), name, why);
    }
    const refusal = resource.plural === 'pods' ? podSecurity(object, home, this.options.podSecurity) : undefined;
    if (refusal !== undefined) throw refusal;
  }

  /** Tells of something in an Event, once. */
  event(about: KubeObject, reason: string, message: string): void {
    const { name, namespace = 'default' } = about.metadata;
    const events = builtIn('events');
    const known = this.store
      .list(events, namespace)
      .some((event) => textAt(event, 'involvedObject', 'name') === name && event.message === message);
    if (known || this.find(NAMESPACES, undefined, namespace) === undefined) return;
    this.store.put(events, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${(this.store.version + 1).toString(16)}`, namespace },
      involvedObject: { kind: about.kind, name, namespace },
      type: 'Warning',
      reason,
      message,
      lastTimestamp: new Date().toISOString(),
    });
  }
}
