import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isKubeObject, type KubeObject, sameJson } from '../object.ts';
import { apiVersionOf, BUILT_IN, builtIn, fullName, type Resource, resourceOfDefinition } from './kinds.ts';

interface Saved {
  readonly version: number;
  readonly objects: readonly KubeObject[];
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

const readSaved = (file: string | undefined): Saved => {
  if (file === undefined) return { version: 0, objects: [] };
  try {
    const { version, objects } = JSON.parse(readFileSync(file, 'utf8')) as Saved;
    return { version: Number(version), objects: objects.filter(isKubeObject) };
  } catch {
    return { version: 0, objects: [] };
  }
};

/** A uid that is the same whenever the same things happen in the same order. */
const uidOf = (text: string): string =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

/**
 * Every object of a cluster, in memory and in one file. What is taken out must not be changed but put back as a new
 * object.
 */
export class Store {
  readonly #collections = new Map<string, Map<string, KubeObject>>();
  readonly #file: string | undefined;
  readonly #listeners: (() => void)[] = [];
  #version: number;
  #saving: NodeJS.Immediate | undefined;

  /** @param file that keeps the objects over a restart; undefined: none */
  constructor(file?: string) {
    this.#file = file;
    const { version, objects } = readSaved(file);
    this.#version = version;
    const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    for (const object of [...definitions, ...objects]) {
      const resource = this.resourceOfKind(object);
      if (resource !== undefined)
        this.#collection(resource).set(keyOf(object.metadata.namespace, object.metadata.name), object);
    }
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Built-in kinds and those for which there is a definition. */
  resources(): Resource[] {
    return [...BUILT_IN, ...this.list(builtIn('customresourcedefinitions')).map(resourceOfDefinition)];
  }

  resource(group: string, version: string, plural: string): Resource | undefined {
    return this.resources().find((r) => r.group === group && r.version === version && r.plural === plural);
  }

  resourceOfKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Resource | undefined {
    return this.resources().find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#collection(resource).get(keyOf(resource.namespaced ? namespace : undefined, name));
  }

  list(resource: Resource, namespace?: string): KubeObject[] {
    const all = [...this.#collection(resource).values()];
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** Stores a new object or a new form of one; the stored one, unchanged where nothing is new. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const { name, namespace } = object.metadata;
    const collection = this.#collection(resource);
    const key = keyOf(resource.namespaced ? namespace : undefined, name);
    const old = collection.get(key);
    if (old !== undefined && sameJson(old, { ...object, metadata: { ...object.metadata, ...versionOf(old) } }))
      return old;
    this.#version += 1;
    const stored = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: old?.metadata.uid ?? object.metadata.uid ?? uidOf(`${fullName(resource)} ${key} ${this.#version}`),
        resourceVersion: String(this.#version),
        creationTimestamp: old?.metadata.creationTimestamp ?? new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      },
    };
    collection.set(key, stored);
    this.#changed();
    return stored;
  }

  /** Puts back what `change` makes of a copy. */
  update(resource: Resource, object: KubeObject, change: (copy: KubeObject) => void): KubeObject {
    const copy = structuredClone(this.get(resource, object.metadata.namespace, object.metadata.name) ?? object);
    change(copy);
    return this.put(resource, copy);
  }

  remove(resource: Resource, { metadata }: KubeObject): void {
    const key = keyOf(resource.namespaced ? metadata.namespace : undefined, metadata.name);
    if (!this.#collection(resource).delete(key)) return;
    this.#version += 1;
    this.#changed();
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** Writes the file now. */
  save(): void {
    if (this.#saving !== undefined) clearImmediate(this.#saving);
    this.#saving = undefined;
    if (this.#file === undefined) return;
    const objects = [...this.#collections.values()].flatMap((collection) => [...collection.values()]);
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    writeFileSync(`${this.#file}.new`, JSON.stringify({ version: this.#version, objects }), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  #changed(): void {
    if (this.#file !== undefined) this.#saving ??= setImmediate(() => this.save());
    for (const listener of this.#listeners) listener();
  }

  #collection(resource: Resource): Map<string, KubeObject> {
    const name = fullName(resource);
    const existing = this.#collections.get(name);
    if (existing !== undefined) return existing;
    const created = new Map<string, KubeObject>();
    this.#collections.set(name, created);
    return created;
  }
}

const versionOf = ({ metadata }: KubeObject): Partial<KubeObject['metadata']> => ({
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
});
