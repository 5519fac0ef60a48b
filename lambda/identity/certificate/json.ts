import type { Certificate } from './certificate.ts';
import { fingerprintOf } from './codec.ts';
import { formatNetwork } from './network.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** RFC 3339 in UTC without fractions, as Go prints it there. */
export const formatInstant = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Go's encoding/json escapes these so that JSON may stand in HTML. */
const escapeLikeGo = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** One line, byte for byte what `nebula-cert print -json` of Nebula 1.9 prints in UTC, without the newline. */
export const certificateToJson = (certificate: Certificate): string => {
  const { details } = certificate;
  return escapeLikeGo(
    JSON.stringify({
      details: {
        curve: details.curve,
        groups: details.groups,
        ips: details.networks.map(formatNetwork),
        isCa: details.isCa,
        issuer: details.issuer,
        name: details.name,
        notAfter: formatInstant(details.notAfter),
        notBefore: formatInstant(details.notBefore),
        publicKey: hex(details.publicKey),
        subnets: details.unsafeNetworks.map(formatNetwork),
      },
      fingerprint: fingerprintOf(certificate),
      signature: hex(certificate.signature),
    }),
  );
};
