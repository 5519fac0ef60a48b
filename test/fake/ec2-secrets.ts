import type { SecretFacts, SecretTags } from '../../lambda/shared/aws/secret-tags.ts';
import type { Clock } from '../../lambda/shared/clock.ts';
import { TAG, UNBOUND } from '../../lambda/shared/contract/index.ts';

/** Secrets as far as launch and sweep see them: names, tags and dates, never a value. */
export class FakeSecrets implements SecretTags {
  readonly #clock: Clock;
  readonly #secrets = new Map<string, SecretFacts>();
  readonly #errors: { call: keyof SecretTags; id: string; error: Error }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  plant(name: string, tags: Readonly<Record<string, string>>): string {
    const arn = `arn:aws:secretsmanager:us-west-2:111122223333:secret:${name}-Ab12Cd`;
    this.#secrets.set(name, { arn, name, tags, createdAt: this.#clock.now(), deleted: false });
    return arn;
  }
  /** The secret of one life of a worker, as the identity function makes it. */
  plantFor(worker: string, generation: string, tags: Readonly<Record<string, string>> = {}): string {
    return this.plant(`catalyst-llm/nebula-${worker}`, {
      [TAG.fleet]: 'carrierarr',
      [TAG.worker]: worker,
      [TAG.generation]: generation,
      [TAG.instance]: UNBOUND,
      ...tags,
    });
  }
  markDeleted(name: string): void {
    const secret = this.#secrets.get(name);
    if (secret) this.#secrets.set(name, { ...secret, deleted: true });
  }
  failOn(call: keyof SecretTags, error: Error, id = ''): void {
    this.#errors.push({ call, id, error });
  }
  names(): string[] {
    return [...this.#secrets.values()].filter((secret) => !secret.deleted).map((secret) => secret.name);
  }

  #check(call: keyof SecretTags, id: string): void {
    const failure = this.#errors.find((entry) => entry.call === call && (entry.id === '' || entry.id === id));
    if (failure) throw failure.error;
  }

  bind = async (name: string, instanceArn: string): Promise<void> => {
    this.#check('bind', name);
    const secret = this.#secrets.get(name);
    if (secret) this.#secrets.set(name, { ...secret, tags: { ...secret.tags, [TAG.instance]: instanceArn } });
  };
  tag = async (id: string, tags: Readonly<Record<string, string>>): Promise<void> => {
    this.#check('tag', id);
    for (const [name, secret] of this.#secrets) {
      if (name === id || secret.arn === id) this.#secrets.set(name, { ...secret, tags: { ...secret.tags, ...tags } });
    }
  };
  describe = async (name: string): Promise<SecretFacts | undefined> => {
    this.#check('describe', name);
    return this.#secrets.get(name);
  };
  ofFleet = async (fleet: string): Promise<SecretFacts[]> => {
    this.#check('ofFleet', fleet);
    return [...this.#secrets.values()].filter((secret) => secret.tags[TAG.fleet] === fleet && !secret.deleted);
  };
  delete = async (arn: string): Promise<void> => {
    this.#check('delete', arn);
    for (const [name, secret] of this.#secrets) if (secret.arn === arn) this.#secrets.delete(name);
  };
}
