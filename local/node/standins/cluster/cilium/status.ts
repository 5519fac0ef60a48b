import { durationOf } from '../kubectl/session.ts';
import { textsAt } from '../object.ts';
import { Exit, printJson } from '../program.ts';
import { allReady, type CiliumSession, NAMESPACE, type PartStatus, partsOf, until } from './session.ts';

const CLI = 'v0.16.24';

const errorsOf = ({ name, desired, ready }: PartStatus): Record<string, unknown> =>
  ready >= desired && desired > 0
    ? {}
    : {
        [name]: {
          [name]: { Errors: [`${desired - ready} pods of ${name} are not ready`], Warnings: null, Disabled: false },
        },
      };

const asJson = (parts: readonly PartStatus[]): Record<string, unknown> => ({
  pod_state: Object.fromEntries(
    parts.map(({ name, kind, desired, ready }) => [
      name,
      { Type: kind, Desired: desired, Ready: ready, Available: ready, Unavailable: desired - ready },
    ]),
  ),
  phase_count: Object.fromEntries(
    parts.map(({ name, desired, ready }) => [
      name,
      { Running: ready, ...(desired > ready ? { Pending: desired - ready } : {}) },
    ]),
  ),
  config_errors: [],
  collection_errors: null,
  errors: Object.assign({}, ...parts.map(errorsOf)) as Record<string, unknown>,
});

const asText = (parts: readonly PartStatus[]): string =>
  parts
    .map(
      ({ name, kind, desired, ready }) =>
        `${kind.padEnd(18)}${name.padEnd(24)}Desired: ${desired}, Ready: ${ready}/${desired}\n`,
    )
    .join('');

/** `cilium status`. */
export const status = async (session: CiliumSession): Promise<void> => {
  const { client, flags } = session;
  let parts = await partsOf(client);
  let isWell = allReady(parts);
  if (!isWell && flags.on('wait')) {
    const limit = durationOf(flags.get('wait-duration') ?? '5m');
    isWell = await until(async () => {
      parts = await partsOf(client);
      return allReady(parts);
    }, limit);
  }
  if (flags.get('output') === 'json') printJson(asJson(parts));
  else process.stdout.write(asText(parts));
  if (isWell) return;
  const why =
    parts.length === 0
      ? 'unable to retrieve ConfigMap cilium-config: configmaps "cilium-config" not found'
      : 'timeout while waiting for status to become successful: context deadline exceeded';
  if (parts.length === 0 || flags.on('wait')) throw new Exit(1, `\nError: Unable to determine status:  ${why}`);
};

/** `cilium version`. */
export const version = async (session: CiliumSession): Promise<void> => {
  const head = `cilium-cli: ${CLI} compiled with go1.23.4 on linux/amd64\ncilium image (default): v1.16.5\ncilium image (stable): unknown\n`;
  process.stdout.write(head);
  if (session.flags.on('client')) return;
  const release = await session.release();
  process.stdout.write(
    release === undefined
      ? 'cilium image (running): unknown. Unable to obtain cilium version. Reason: release: not found\n'
      : `cilium image (running): ${release.appVersion}\n`,
  );
};

/** `cilium config view`. */
export const viewConfig = async (session: CiliumSession): Promise<void> => {
  const map = await session.client.find({ resource: 'configmaps', name: 'cilium-config', namespace: NAMESPACE });
  if (map === undefined) {
    throw new Exit(
      1,
      `\nError: Unable to view configuration: unable get ConfigMap "cilium-config": configmaps "cilium-config" not found`,
    );
  }
  const entries = Object.entries(textsAt(map, 'data')).sort(([a], [b]) => a.localeCompare(b));
  process.stdout.write(entries.map(([key, value]) => `${key.padEnd(48)} ${value}\n`).join(''));
};
