import { gunzipSync, gzipSync } from 'node:zlib';
import type { KubeClient } from './client/kube-client.ts';
import { type Dict, dictAt, isDict, type KubeObject, textAt } from './object.ts';

/** A revision of a Helm release. */
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

/** As Helm keeps it: JSON, gzipped, base64; and that is what becomes the Secret's bytes, base64 once more. */
const packed = ({ name, namespace, revision, status, chart, appVersion, values, updated }: Release): string => {
  const version = chart.slice(name.length + 1);
  const kept = {
    name,
    namespace,
    version: revision,
    info: { status, last_deployed: updated },
    chart: { metadata: { name, version, appVersion } },
    config: values,
  };
  const text = gzipSync(JSON.stringify(kept)).toString('base64');
  return Buffer.from(text).toString('base64');
};

const unpacked = (text: string): Dict => {
  const bytes = gunzipSync(Buffer.from(Buffer.from(text, 'base64').toString('utf8'), 'base64'));
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  return isDict(parsed) ? parsed : {};
};

const secretOf = (release: Release): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'helm.sh/release.v1',
  metadata: {
    name: `sh.helm.release.v1.${release.name}.v${release.revision}`,
    namespace: release.namespace,
    labels: { owner: 'helm', name: release.name, status: release.status, version: String(release.revision) },
  },
  data: { release: packed(release) },
});

const releaseIn = (secret: KubeObject): Release => {
  const from = unpacked(textAt(secret, 'data', 'release'));
  return {
    name: textAt(from, 'name'),
    namespace: secret.metadata.namespace ?? '',
    revision: Number(textAt(from, 'version')),
    // The label counts: that is what tests change.
    status: textAt(secret, 'metadata', 'labels', 'status'),
    chart: `${textAt(from, 'chart', 'metadata', 'name')}-${textAt(from, 'chart', 'metadata', 'version')}`,
    appVersion: textAt(from, 'chart', 'metadata', 'appVersion'),
    values: dictAt(from, 'config'),
    updated: textAt(from, 'info', 'last_deployed'),
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
