import type { KubeClient } from './client/kube-client.ts';
import { type Dict, dictAt, isDict, type KubeObject, textAt } from './object.ts';

/** A revision of a Helm release, as Helm keeps it in a Secret (there gzipped, here plain). */
export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly revision: number;
  readonly status: string;
  /** `cilium-1.16.6` */
  readonly chart: string;
  readonly appVersion: string;
  /** What the user set. */
  readonly values: Dict;
  readonly updated: string;
}

const secretOf = (release: Release): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'helm.sh/release.v1',
  metadata: {
    name: `sh.helm.release.v1.${release.name}.v${release.revision}`,
    namespace: release.namespace,
    labels: { owner: 'helm', name: release.name, status: release.status, version: String(release.revision) },
  },
  data: { release: Buffer.from(JSON.stringify(release)).toString('base64') },
});

const releaseIn = (secret: KubeObject): Release => {
  const parsed: unknown = JSON.parse(Buffer.from(textAt(secret, 'data', 'release'), 'base64').toString('utf8'));
  const from = isDict(parsed) ? parsed : {};
  return {
    name: textAt(from, 'name'),
    namespace: secret.metadata.namespace ?? '',
    revision: Number(textAt(from, 'revision')),
    // The label counts: that is what tests change.
    status: textAt(secret, 'metadata', 'labels', 'status'),
    chart: textAt(from, 'chart'),
    appVersion: textAt(from, 'appVersion'),
    values: dictAt(from, 'values'),
    updated: textAt(from, 'updated'),
  };
};

/** Every revision there is, oldest first. */
export const revisions = async (client: KubeClient, namespace?: string, name?: string): Promise<Release[]> => {
  const selector = name === undefined ? 'owner=helm' : `owner=helm,name=${name}`;
  const secrets = await client.list({ resource: 'secrets', namespace, selector });
  return secrets.map(releaseIn).sort((a, b) => a.revision - b.revision);
};

export const lastRevision = async (client: KubeClient, namespace: string, name: string): Promise<Release | undefined> =>
  (await revisions(client, namespace, name)).at(-1);

export const saveRelease = async (client: KubeClient, release: Release): Promise<void> => {
  await client.apply(secretOf(release));
};

/** Marks a release as done and what was before it as history. */
export const finishRelease = async (client: KubeClient, release: Release): Promise<void> => {
  for (const old of await revisions(client, release.namespace, release.name)) {
    if (old.revision < release.revision && old.status === 'deployed')
      await saveRelease(client, { ...old, status: 'superseded' });
  }
  await saveRelease(client, { ...release, status: 'deployed' });
};

/** Takes a release and its history away. */
export const dropRelease = async (client: KubeClient, namespace: string, name: string): Promise<void> => {
  for (const { revision } of await revisions(client, namespace, name)) {
    await client.delete({ resource: 'secrets', namespace, name: `sh.helm.release.v1.${name}.v${revision}` });
  }
};
