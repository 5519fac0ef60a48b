import { type KubeObject, listAt, textAt } from '../object.ts';
import { Exit, printJson } from '../program.ts';
import type { Resource } from '../server/kinds.ts';
import { toYaml } from '../yaml.ts';
import { shown } from './session.ts';

export interface Found {
  readonly resource: Resource;
  readonly object: KubeObject;
}

const readyCondition = (object: KubeObject): string => {
  const conditions = listAt(object, 'status', 'conditions');
  return textAt(
    conditions.find((condition) => textAt(condition, 'type') === 'Ready'),
    'status',
  );
};

const nodeStatus = (object: KubeObject): string =>
  `${readyCondition(object) === 'True' ? 'Ready' : 'NotReady'}${textAt(object, 'spec', 'unschedulable') === 'true' ? ',SchedulingDisabled' : ''}`;

const podStatus = (object: KubeObject): string => {
  const states = listAt(object, 'status', 'containerStatuses');
  const reasons = states.map(
    (state) => textAt(state, 'state', 'waiting', 'reason') || textAt(state, 'state', 'terminated', 'reason'),
  );
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return reasons.find((reason) => reason !== '') ?? textAt(object, 'status', 'phase');
};

const readyOfPod = (object: KubeObject): string => {
  const states = listAt(object, 'status', 'containerStatuses');
  const ready = states.filter((state) => textAt(state, 'ready') === 'true').length;
  return `${ready}/${listAt(object, 'spec', 'containers').length}`;
};

const ageOf = ({ metadata }: KubeObject): string => {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(metadata.creationTimestamp ?? '')) / 1000));
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`;
};

type Column = readonly [string, (object: KubeObject) => string];

const NAME: Column = ['NAME', ({ metadata }) => metadata.name];
const AGE: Column = ['AGE', ageOf];

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  nodes: [NAME, ['STATUS', nodeStatus], AGE, ['VERSION', (o) => textAt(o, 'status', 'nodeInfo', 'kubeletVersion')]],
  pods: [NAME, ['READY', readyOfPod], ['STATUS', podStatus], ['RESTARTS', () => '0'], AGE],
  namespaces: [NAME, ['STATUS', (o) => textAt(o, 'status', 'phase')], AGE],
};

const table = (found: readonly Found[], withNamespace: boolean, headers: boolean): string => {
  const columns = COLUMNS[found[0]?.resource.plural ?? ''] ?? [NAME, AGE];
  const all: readonly Column[] = withNamespace
    ? [['NAMESPACE', ({ metadata }) => metadata.namespace ?? ''], ...columns]
    : columns;
  const rows = [
    ...(headers ? [all.map(([title]) => title)] : []),
    ...found.map(({ object }) => all.map(([, cell]) => cell(object))),
  ];
  const widths = all.map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)) + 3);
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
};

export interface Printing {
  readonly format: string | undefined;
  /** A list even of one. */
  readonly asList: boolean;
  readonly withNamespace: boolean;
  readonly headers: boolean;
}

/** Prints objects as `-o` asks. */
export const print = (found: readonly Found[], { format, asList, withNamespace, headers }: Printing): void => {
  const objects = found.map(({ object }) => object);
  const whole = asList
    ? { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } }
    : objects[0];
  switch (format) {
    case undefined:
    case 'wide':
      process.stdout.write(found.length === 0 ? '' : table(found, withNamespace, headers));
      return;
    case 'json':
      printJson(whole);
      return;
    case 'yaml':
      process.stdout.write(toYaml(whole));
      return;
    case 'name':
      process.stdout.write(found.map(({ resource, object }) => `${shown(resource, object.metadata.name)}\n`).join(''));
      return;
    default:
      throw new Exit(
        1,
        `error: the stand-in for kubectl knows no output format "${format}", allowed: json,name,wide,yaml`,
      );
  }
};
