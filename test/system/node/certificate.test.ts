import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateToPem, fingerprintOf } from '../../../lambda/identity/certificate/index.ts';
import { network, signedBy } from '../../lambda/identity/support/authority.ts';
import { authority } from '../../ssm/identity-builders.ts';

const FIELDS = ['name', 'address', 'mask', 'not_before', 'not_after', 'fingerprint'];
const LIBRARY = 'ami/base/files/usr/local/lib/carrierarr/lib/certificate.sh';

/** What the node's shell reads out of certificates given one after the other. */
const readByShell = (...pems: readonly string[]): (readonly string[] | 'refused')[] => {
  const print = FIELDS.map((field) => `"$certificate_${field}"`).join(' ');
  const script = `source ${LIBRARY}
    while IFS= read -r -d '' pem; do
      if certificate_read <(printf %s "$pem") 2>/dev/null; then :; fi
      file=$(mktemp); printf %s "$pem" >"$file"
      if certificate_read "$file"; then printf '%s|' ${print}; else printf refused; fi
      rm -f "$file"; printf '\\n'
    done`;
  const { stdout, stderr, status } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    encoding: 'utf8',
    input: pems.map((pem) => `${pem}\0`).join(''),
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => (line === 'refused' ? line : line.split('|').slice(0, -1)));
};

const randomCertificate = () => {
  const notBefore = randomInt(1_600_000_000, 1_900_000_000);
  return signedBy(authority, {
    name: `worker-${randomInt(1e9).toString(36)}`,
    networks: [network(`10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}/${randomInt(8, 31)}`)],
    groups: Array.from({ length: randomInt(6) }, (_, i) => `group-${i}-${'x'.repeat(randomInt(40))}`),
    unsafeNetworks: randomInt(2) === 0 ? [] : [network('192.168.1.0/24'), network('0.0.0.0/0')],
    notBefore,
    notAfter: notBefore + randomInt(1, 10_000_000),
  });
};

const dotted = (bits: number): string =>
  [0, 8, 16, 24].map((shift) => 256 - 2 ** (8 - Math.min(8, Math.max(0, bits - shift)))).join('.');

describe.skipIf(process.platform !== 'linux')("the node's certificate reader", () => {
  it('reads what was written, whatever the certificate holds', () => {
    const certificates = Array.from({ length: 25 }, randomCertificate);

    const read = readByShell(...certificates.map(certificateToPem));

    expect(read).toEqual(
      certificates.map((certificate) => {
        const { name, networks, notBefore, notAfter } = certificate.details;
        const [own] = networks.map((each) => JSON.parse(JSON.stringify(each)) as { address: number; bits: number });
        const octets = [24, 16, 8, 0].map((shift) => ((own?.address ?? 0) >>> shift) & 255).join('.');
        return [name, octets, dotted(own?.bits ?? 0), `${notBefore}`, `${notAfter}`, fingerprintOf(certificate)];
      }),
    );
  });

  it('reads the first certificate of a bundle', () => {
    const [first, second] = [randomCertificate(), randomCertificate()];

    const [read] = readByShell(certificateToPem(first) + certificateToPem(second));

    expect(read).toContain(fingerprintOf(first));
  });

  it('refuses what is no certificate of version 1', () => {
    const pem = certificateToPem(randomCertificate());
    const body = Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
    const wrapped = (bytes: Buffer) =>
      `-----BEGIN NEBULA CERTIFICATE-----\n${bytes.toString('base64')}\n-----END NEBULA CERTIFICATE-----\n`;

    expect(
      readByShell(
        '',
        'x\n',
        pem.replaceAll('CERTIFICATE', 'CERTIFICATE V2'),
        wrapped(Buffer.alloc(0)),
        wrapped(Buffer.from([10])),
        wrapped(body.subarray(0, 40)),
        wrapped(Buffer.concat([Buffer.from([18]), body.subarray(1)])),
        wrapped(Buffer.from([10, 3, 0xff, 0xff, 0xff])),
      ),
    ).toEqual(Array.from({ length: 8 }, () => 'refused'));
  });
});
