import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';

/** What differs between two fleets; what differs between two workers of a role comes from the instance's tags. */
export interface UserDataValues {
  readonly role: Role;
  readonly fleet: string;
  readonly region: string;
  /** Prefix of the workers' secrets, e.g. `catalyst-llm`. */
  readonly secretPrefix: string;
  /** `host:port` of the control plane on the mesh. */
  readonly controlPlane: string;
}

/** EC2's limit for user data before encoding, in bytes. */
export const USER_DATA_LIMIT_BYTES = 16_384;

/** Text that means itself both to a shell and to the boot program's reader: no quote, blank, `$` or newline. */
const SAFE = /^[A-Za-z0-9_./:-]{1,256}$/;
const PLACEHOLDER = /@([A-Za-z]+)@/g;

const faultsOf = (template: string, values: Readonly<Record<string, string>>): string[] => {
  const wanted = new Set([...template.matchAll(PLACEHOLDER)].map(([, name]) => name ?? ''));
  const given = new Set(Object.keys(values));
  return [
    ...[...wanted].filter((name) => !given.has(name)).map((name) => `${name}: missing`),
    ...[...given].filter((name) => !wanted.has(name)).map((name) => `${name}: unknown`),
    ...Object.entries(values)
      .filter(([name, value]) => wanted.has(name) && !SAFE.test(value))
      .map(([name, value]) => `${name}: unsafe value ${JSON.stringify(value)}`),
  ];
};

/**
 * Renders the user data of a role from `userdata/<role>.env.sh`.
 * @throws ConfigurationError naming every value that is missing, unknown or unsafe.
 */
export const renderUserData = ({ role, ...values }: UserDataValues): string => {
  const template = readFileSync(join(import.meta.dirname, `${role}.env.sh`), 'utf8');
  const faults = faultsOf(template, values);
  if (faults.length > 0) {
    throw new ConfigurationError({
      what: `user data of role ${role} cannot be rendered`,
      got: faults.join(' | '),
      allowed: 'letters, digits and _ . / : - in every value',
      remedy: 'correct the configuration in cdk.json',
    });
  }
  return template.replaceAll(PLACEHOLDER, (_, name: keyof typeof values) => values[name]);
};
