import type { Certificate } from '../../lambda/identity/certificate/index.ts';
import { formatRemaining } from './duration.ts';
import { type Output, paint } from './output.ts';

/** One certificate for people, one field a line. */
export const certificateText = async (certificate: Certificate, output: Output, now: Date): Promise<string> => {
  const { fingerprintOf, formatInstant, formatNetwork } = await import('../../lambda/identity/certificate/index.ts');
  const { details } = certificate;
  const fields: [string, string][] = [
    ['kind', details.isCa ? 'certificate authority' : 'node'],
    ['networks', details.networks.map(formatNetwork).join(', ')],
    ['subnets', details.unsafeNetworks.map(formatNetwork).join(', ')],
    ['groups', details.groups.join(', ')],
    ['from', formatInstant(details.notBefore)],
    ['until', `${formatInstant(details.notAfter)} (${formatRemaining(new Date(details.notAfter * 1000), now)})`],
    ['curve', details.curve],
    ['public key', Buffer.from(details.publicKey).toString('hex')],
    ['issuer', details.issuer],
    ['fingerprint', fingerprintOf(certificate)],
  ];
  const lines = fields.filter(([, value]) => value !== '').map(([key, value]) => `  ${key.padEnd(12)} ${value}\n`);
  return `${paint(output, 'bold', details.name)}\n${lines.join('')}`;
};
