import { TAG, type WorkerRow } from '#contract';
import type { Instance } from '#shared/aws/ec2-port.ts';
import type { SecretFacts } from '#shared/aws/secret-tags.ts';
import type { Candidate } from './confirm-finding.ts';
import type { SweepPorts } from './ports.ts';

type OrphanPorts = Pick<SweepPorts, 'ec2' | 'secrets' | 'registry' | 'clock' | 'settings'>;
type Rows = ReadonlyMap<string, WorkerRow>;
type Tags = Readonly<Record<string, string>>;

/** Phases in which the row names the worker's one instance. */
const RECORDED = new Set<WorkerRow['phase']>(['LAUNCHED', 'BOOTED', 'MESHED', 'CLUSTERED', 'PEERED', 'READY']);

const lifeOf = (tags: Tags) => ({ name: tags[TAG.worker] ?? '', generation: tags[TAG.generation] ?? '' });

/** Why nobody owns what carries these tags; nothing when somebody does. */
const orphanReason = (tags: Tags, row: WorkerRow | undefined): string | undefined => {
  const { generation } = lifeOf(tags);
  if (row === undefined) return 'the registry knows no worker of this name';
  if (row.generation !== generation)
    return `belongs to another life (${generation}) than the worker (${row.generation})`;
  return row.phase === 'REMOVED' ? 'its worker was removed' : undefined;
};

/** A credential is handed over while a worker is made or taken down; one that is left was not closed. */
const secretReason = (tags: Tags, row: WorkerRow | undefined): string | undefined =>
  orphanReason(tags, row) ??
  (tags[TAG.writer] !== undefined && row?.phase === 'READY' ? 'its credential has been handed over' : undefined);

const strayReason = (instance: Instance, row: WorkerRow | undefined): string | undefined =>
  orphanReason(instance.tags, row) ??
  (row !== undefined && RECORDED.has(row.phase) && row.instanceId !== instance.instanceId
    ? `the worker's instance is ${row.instanceId}`
    : undefined);

const isOldEnough = ({ clock, settings }: OrphanPorts, bornAt: Date): boolean =>
  clock.now().getTime() - bornAt.getTime() >= settings.limits.sweepMinimumAgeSeconds * 1000;

const isKept = (tags: Tags): boolean => tags[TAG.keep] !== undefined;

export const findStrayInstances = (ports: OrphanPorts, instances: readonly Instance[], rows: Rows): Candidate[] =>
  instances.flatMap((instance) => {
    const { name } = lifeOf(instance.tags);
    const reason = strayReason(instance, rows.get(name));
    if (reason === undefined || !isOldEnough(ports, instance.launchedAt)) return [];
    return [
      {
        kind: 'instance' as const,
        id: instance.instanceId,
        worker: name,
        reason,
        action: 'terminated' as const,
        kept: isKept(instance.tags),
        looks: 2 as const,
        stillTrue: async () => strayReason(instance, await ports.registry.find(name)) !== undefined,
        act: async () => {
          await ports.ec2.terminate([instance.instanceId]);
          if (instance.spotRequestId !== '') await ports.ec2.cancelSpotRequests([instance.spotRequestId]);
          return 'terminated' as const;
        },
      },
    ];
  });

/** @param instances - a kept instance keeps the secret of its life, or nobody could debug it */
export const findStraySecrets = (
  ports: OrphanPorts,
  secrets: readonly SecretFacts[],
  instances: readonly Instance[],
  rows: Rows,
): Candidate[] => {
  const keptLives = new Set(
    instances.filter(({ tags }) => isKept(tags)).map(({ tags }) => JSON.stringify(lifeOf(tags))),
  );
  return secrets.flatMap((secret) => {
    const life = lifeOf(secret.tags);
    const reason = secretReason(secret.tags, rows.get(life.name));
    // The fleet's tag alone also sits on secrets that are no worker's, such as a signer's.
    if (life.name === '' || reason === undefined || !isOldEnough(ports, secret.createdAt)) return [];
    return [
      {
        kind: 'secret' as const,
        id: secret.arn,
        worker: life.name,
        reason,
        action: 'deleted' as const,
        kept: isKept(secret.tags) || keptLives.has(JSON.stringify(life)),
        looks: 2 as const,
        stillTrue: async () => secretReason(secret.tags, await ports.registry.find(life.name)) !== undefined,
        act: async () => {
          // An empty generation would revoke every life of the name; a credential handed over has no certificate.
          if (life.generation !== '' && secret.tags[TAG.writer] === undefined)
            await ports.registry.revokeCertificates(life);
          await ports.secrets.delete(secret.arn);
          return 'deleted' as const;
        },
      },
    ];
  });
};
