import type { SecretFacts } from '#shared/aws/secret-tags.ts';
import type { Secrets } from '#shared/aws/secrets.ts';
import { ConfigurationError, NotYetConsistentError } from '#shared/errors.ts';

interface Kept {
  readonly arn: string;
  tags: Record<string, string>;
  versions: string[];
  deleting: boolean;
}

export interface FakeSecrets extends Secrets {
  /** Every version ever written, oldest first. */
  versionsOf(name: string): readonly string[];
  tagsOf(name: string): Readonly<Record<string, string>>;
  /** A secret somebody made by hand, or an earlier life left. */
  plant(name: string, value: string, tags?: Record<string, string>): void;
  retag(name: string, tags: Record<string, string>): void;
  /** Deletions have effect, but their names stay blocked, as on AWS for a while. */
  holdDeletions(): void;
}

/** Secrets Manager in memory: versions, tags, force-deletion that may take its time. */
export const createFakeSecrets = (): FakeSecrets => {
  const secrets = new Map<string, Kept>();
  let slow = false;
  const find = (id: string): [string, Kept] | undefined =>
    [...secrets.entries()].find(([name, { arn }]) => name === id || arn === id);
  const need = (id: string): Kept => {
    const found = find(id);
    if (found === undefined || found[1].deleting) {
      throw new ConfigurationError({ what: `secret ${id} does not exist`, remedy: 'create it' });
    }
    return found[1];
  };
  const facts = ([name, kept]: [string, Kept]): SecretFacts => ({
    name,
    arn: kept.arn,
    tags: kept.tags,
    createdAt: new Date(0),
    deleted: kept.deleting,
  });
  const add = (name: string, value: string, tags: Record<string, string>): Kept => {
    const arn = `arn:aws:secretsmanager:us-west-2:111122223333:secret:${name}-${Math.random().toString(36).slice(2, 8).padEnd(6, 'x')}`;
    const kept = { arn, tags, versions: [value], deleting: false };
    secrets.set(name, kept);
    return kept;
  };
  return {
    create: async (name, value, tags) => {
      const present = secrets.get(name);
      if (present?.deleting) throw new NotYetConsistentError({ what: 'scheduled for deletion', remedy: 'wait' });
      if (present !== undefined) return 'exists';
      return { arn: add(name, value, { ...tags }).arn, versionId: 'v1' };
    },
    describe: async (id) => {
      const found = find(id);
      return found === undefined ? undefined : facts(found);
    },
    read: async (id) => need(id).versions.at(-1) ?? '',
    put: async (id, value) => {
      const kept = need(id);
      kept.versions.push(value);
      return { arn: kept.arn, versionId: `v${kept.versions.length}` };
    },
    tag: async (id, tags) => {
      need(id).tags = { ...need(id).tags, ...tags };
    },
    delete: async (id) => {
      const found = find(id);
      if (found === undefined) return;
      if (slow) found[1].deleting = true;
      else secrets.delete(found[0]);
    },
    versionsOf: (name) => secrets.get(name)?.versions ?? [],
    tagsOf: (name) => secrets.get(name)?.tags ?? {},
    plant: (name, value, tags = {}) => {
      add(name, value, tags);
    },
    retag: (name, tags) => {
      Object.assign(need(name).tags, tags);
    },
    holdDeletions: () => {
      slow = true;
    },
  };
};
