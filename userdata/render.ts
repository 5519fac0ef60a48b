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
  /** From its first boot on: a worker that is not in service by then powers itself off. */
  readonly readySeconds: number;
}

/** EC2's limit for user data before encoding, in bytes. */
export const USER_DATA_LIMIT_BYTES = 16_384;

/** Text that means itself both to a shell and to the boot program's reader: no quote, blank, `$` or newline. */
const SAFE = /^[A-Za-z0-9_./:+-]{1,256}$/;
const PLACEHOLDER = /@([A-Za-z][A-Za-z0-9]*)@/g;

type Values = Readonly<Record<string, string | number>>;

const faultsOf = (template: string, values: Values): string[] => {
  const wanted = new Set([...template.matchAll(PLACEHOLDER)].map(([, name]) => name ?? ''));
  const given = new Set(Object.keys(values));
  return [
    ...[...wanted].filter((name) => !given.has(name)).map((name) => `${name}: missing`),
    ...[...given].filter((name) => !wanted.has(name)).map((name) => `${name}: unknown`),
    ...Object.entries(values)
      .filter(([name, value]) => wanted.has(name) && !SAFE.test(String(value)))
      .map(([name, value]) => `${name}: unsafe value ${JSON.stringify(value)}`),
  ];
};

/**
 * Puts values where `@name@` stands in a template of this folder.
 * @param checked where a value is not yet known at synth: what is to be safe in its stead
 * @throws ConfigurationError naming every value that is missing, unknown or unsafe.
 */
export const renderTemplate = (file: string, values: Values, checked: Values = values): string => {
  const template = readFileSync(join(import.meta.dirname, file), 'utf8');
  const faults = faultsOf(template, checked);
  if (faults.length > 0) {
    throw new ConfigurationError({
      what: `user data ${file} cannot be rendered`,
      got: faults.join(' | '),
      allowed: 'letters, digits and _ . / : + - in every value',
      remedy: 'correct the configuration in cdk.json',
    });
  }
  return template.replaceAll(PLACEHOLDER, (_, name: string) => String(values[name]));
};

/** User data of a role whose workers boot from the fleet's image. */
export const renderUserData = ({ role, ...values }: UserDataValues): string => renderTemplate(`${role}.env.sh`, values);
