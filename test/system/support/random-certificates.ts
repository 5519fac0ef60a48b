import { createHash } from 'node:crypto';
import {
  type CertificateDetails,
  firstOf,
  formatNetwork,
  generateNodeKeyPair,
  type Network,
} from '../../../lambda/identity/certificate/index.ts';

/** Numbers in 0..1 that follow from the seed, so that a failure can be had again. */
export const randomFrom = (seed: string): (() => number) => {
  let counter = 0;
  return () => {
    counter += 1;
    return createHash('sha256').update(`${seed}/${counter}`).digest().readUInt32BE() / 2 ** 32;
  };
};

const ALPHABET = [...'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.:/+<>&"\'\\ äßéЖ日本😀\u2028'];

export interface RandomCertificate extends Pick<CertificateDetails, 'name' | 'groups' | 'publicKey'> {
  readonly network: Network;
  readonly unsafeNetworks: readonly Network[];
  readonly seconds: number;
}

/** Anything nebula-cert takes: odd names, many or no groups, every mask, networks behind the node. */
export const randomCertificate = (random: () => number): RandomCertificate => {
  const upTo = (limit: number): number => Math.floor(random() * (limit + 1));
  const text = (length: number): string =>
    Array.from({ length }, () => ALPHABET[upTo(ALPHABET.length - 1)])
      .join('')
      .trim() || 'x';
  const many = <T>(limit: number, make: () => T): T[] => Array.from({ length: upTo(limit) }, make);
  const address = (): number => upTo(0xffffffff - 1) + 1;
  return {
    name: text(1 + upTo(60)),
    groups: many(12, () => text(1 + upTo(12))),
    publicKey: generateNodeKeyPair().publicKey,
    network: { address: address(), bits: upTo(32) },
    unsafeNetworks: many(4, () => {
      const network = { address: address(), bits: upTo(32) };
      // nebula-cert before 1.10 stores the masked address.
      return { ...network, address: firstOf(network) };
    }),
    seconds: 60 + upTo(86_400 * 300),
  };
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The shell line that has nebula-cert make it, in the directory of `ca.crt` and `ca.key`. */
export const signCommand = (
  nebulaCert: string,
  certificate: RandomCertificate,
  files: { pub: string; crt: string },
): string =>
  [
    `${quoted(nebulaCert)} sign -name ${quoted(certificate.name)} -ip ${formatNetwork(certificate.network)}`,
    `-duration ${certificate.seconds}s -in-pub ${files.pub} -out-crt ${files.crt}`,
    certificate.groups.length > 0 ? `-groups ${quoted(certificate.groups.join(','))}` : '',
    certificate.unsafeNetworks.length > 0 ? `-subnets ${certificate.unsafeNetworks.map(formatNetwork).join(',')}` : '',
  ].join(' ');
