import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import type { FleetSettings } from '#contract';
import { certificatesFromPem } from '../../lambda/identity/certificate/index.ts';
import type { FleetOutputs } from '../doors/outputs.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

export type Resolve = (host: string) => Promise<string>;

export const resolveHost: Resolve = async (host) => (await lookup(host)).address;

/** Only the name can be checked from here: Nebula answers nobody whose certificate it does not trust. */
export const checkLighthouse = async (
  settings: FleetSettings,
  resolve: Resolve,
  embedded: boolean,
): Promise<Finding[]> => {
  const check = 'lighthouse endpoint';
  const endpoint = settings.mesh.lighthouseEndpoint;
  const host = endpoint.replace(/:\d+$/, '');
  if (isIPv4(host)) return [ok(check, endpoint)];
  try {
    return [ok(check, `${endpoint} is ${await resolve(host)}`)];
  } catch {
    if (embedded) return [ok(check, `${endpoint}, played by the embedded cloud`)];
    return [
      fail(
        check,
        `${host} does not resolve`,
        'publish the name (dynamic DNS of the homelab), or set mesh.lighthouseEndpoint and deploy again',
      ),
    ];
  }
};

const expiredNames = (pems: readonly string[], now: Date): string[] =>
  pems
    .flatMap((pem) => certificatesFromPem(pem))
    .filter(({ details }) => details.notAfter * 1000 < now.getTime())
    .map(({ details }) => details.name);

/**
 * Trust goes both ways: workers must trust the homelab's CA (it is in their bundle when configured), and the homelab's
 * peers must trust the fleet's, which one person has to see to once.
 */
export const checkTrust = async (settings: FleetSettings, outputs: FleetOutputs, now: Date): Promise<Finding[]> => {
  const step = outputs.find('trustStep');
  const { trustedCas } = settings.mesh;
  if (step === undefined) return [ok('trust', "the fleet signs with the homelab's own CA")];
  const expired = expiredNames(trustedCas, now);
  const configured =
    trustedCas.length === 0
      ? fail(
          'trusted CAs',
          "none configured: workers do not trust the homelab's lighthouse, no handshake can ever succeed",
          "put the PEM of the homelab's CA (its ca.crt) into mesh.trustedCas and deploy again",
        )
      : expired.length > 0
        ? fail('trusted CAs', `expired: ${expired.join(', ')}`, 'replace them in mesh.trustedCas and deploy again')
        : ok('trusted CAs', `${trustedCas.length} configured`);
  const told = warn(
    'lighthouse trusts the fleet',
    `cannot be seen from here; the CA's fingerprint is ${outputs.find('caFingerprint') ?? 'unknown'}`,
    `once, if not done yet: ${step}`,
  );
  return [configured, told];
};
