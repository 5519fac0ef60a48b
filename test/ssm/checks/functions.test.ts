import { describe, expect, it } from 'vitest';
import { certificateToPem, fingerprintOf } from '../../../lambda/identity/certificate/index.ts';
import { authority } from '../identity-builders.ts';
import { runFunctions } from './run-functions.ts';

const FINGERPRINT = fingerprintOf(authority.certificate);

describe('ranges in shell', () => {
  const judge = (verb: string, pairs: readonly (readonly [string, string])[]) =>
    runFunctions(['cidr'], `while read -r a b; do if ${verb} "$a" "$b"; then echo yes; else echo no; fi; done`, {
      input: pairs.map((pair) => `${pair.join(' ')}\n`).join(''),
    });

  it('overlap where they share an address', () => {
    const pairs = [
      ['10.96.0.0/12', '10.100.0.0/16'],
      ['10.100.0.0/16', '10.96.0.0/12'],
      ['10.42.0.0/16', '10.43.0.0/16'],
      ['10.42.255.255/32', '10.42.0.0/16'],
      ['0.0.0.0/0', '192.168.1.54'],
      ['192.168.1.77/24', '192.168.1.0/25'],
      ['255.255.255.255', '255.255.255.255/32'],
      ['10.0.0.0/9', '10.128.0.0/9'],
      ['08.0.0.0/8', '8.8.8.8'],
    ] as const;

    expect(judge('cidr_overlaps', pairs)).toEqual(['yes', 'yes', 'no', 'yes', 'yes', 'yes', 'yes', 'no', 'yes']);
  });

  it('contain what lies wholly inside', () => {
    const pairs = [
      ['10.96.0.0/12', '10.100.0.0/16'],
      ['10.100.0.0/16', '10.96.0.0/12'],
      ['10.96.0.0/12', '10.111.255.255'],
      ['10.96.0.0/12', '10.112.0.0'],
      ['10.96.0.0/12', '10.95.255.255'],
      ['10.0.0.0/8', '10.0.0.0/8'],
    ] as const;

    expect(judge('cidr_contains', pairs)).toEqual(['yes', 'no', 'yes', 'no', 'no', 'yes']);
  });

  it.each(['cidr_overlaps', 'cidr_contains'])('%s takes nothing malformed for a range', (verb) => {
    const bad = ['10.0.0/8', '10.0.0.256/8', '10.0.0.0/33', 'a.b.c.d', '10.0.0.0/', '::/0', '1.2.3.4.5'];

    expect(
      judge(
        verb,
        bad.flatMap((text) => [[text, '0.0.0.0/0'] as const, ['0.0.0.0/0', text] as const]),
      ),
    ).toEqual(Array(bad.length * 2).fill('no'));
  });
});

describe('rules of the lighthouse', () => {
  const admits = (rules: readonly unknown[]): readonly string[] =>
    runFunctions(
      ['homelab-lighthouse'],
      'while read -r config; do if lighthouse_admits "$config" 50051; then echo yes; else echo no; fi; done',
      {
        env: { SSM_WorkerIp: '10.100.2.1', SSM_CaFingerprint: FINGERPRINT },
        input: rules
          .map((rule) => `${JSON.stringify({ firewall: { inbound: rule === null ? null : [rule] } })}\n`)
          .join(''),
      },
    );

  it('let agents in', () => {
    const rules = [
      { port: 50_051, proto: 'tcp', group: 'workers' },
      { port: '50051', proto: 'any', groups: ['workers', 'aws'] },
      { port: '50000-50100', proto: 'tcp', groups: 'workers' },
      { port: 'any', proto: 'any', host: 'any' },
      { port: 0, proto: 'tcp', host: 'any' },
      { port: 50_051, proto: 'tcp', cidr: '10.100.0.0/16' },
      { port: 50_051, proto: 'tcp', cidr: '10.100.2.1/32' },
      { port: 50_051, proto: 'tcp', cidr: '0.0.0.0/0' },
      { port: 50_051, proto: 'tcp', host: 'any', ca_sha: FINGERPRINT },
      { code: 'any', proto: 'tcp', host: 'any' },
    ];

    expect(admits(rules)).toEqual(rules.map(() => 'yes'));
  });

  it('drop agents', () => {
    const rules = [
      null,
      {},
      { port: 8091, proto: 'tcp', group: 'workers' },
      { port: '50052-50100', proto: 'tcp', group: 'workers' },
      { port: 50_051, proto: 'udp', group: 'workers' },
      { port: 'fragment', proto: 'any', host: 'any' },
      { port: 50_051, proto: 'tcp', group: 'lighthouse' },
      { port: 50_051, proto: 'tcp', groups: ['workers', 'homelab'] },
      { port: 50_051, proto: 'tcp', groups: [] },
      { port: 50_051, proto: 'tcp', cidr: '10.100.3.0/24' },
      { port: 50_051, proto: 'tcp', cidr: 'fd00::/8' },
      { port: 50_051, proto: 'tcp', host: 'any', ca_sha: 'f'.repeat(64) },
      { port: 50_051, proto: 'tcp', host: 'laptop' },
    ];

    expect(admits(rules)).toEqual(rules.map(() => 'no'));
  });
});

describe('devices of Cilium', () => {
  const fault = (devices: string) =>
    runFunctions(['homelab-cilium'], 'cilium_devices_fault "$DEVICES"', { env: { DEVICES: devices } }).join('');

  it.each(['en+', 'eth0', 'eth0 eth1', 'eth0,eth1', 'en+,!liqo+', 'lan+'])('%s keep off those of Liqo', (devices) => {
    expect(fault(devices)).toBe('');
  });

  it.each(['', '!veth+', '+', 'li+', 'eth0 l+', 'liqo.tunnel', 'liqo+'])('"%s" take in those of Liqo', (devices) => {
    expect(fault(devices)).not.toBe('');
  });
});

describe('fingerprints of a bundle', () => {
  const fingerprints = (pem: string) =>
    runFunctions(['homelab-lighthouse'], 'certificate_fingerprints', { input: pem });
  const pem = certificateToPem(authority.certificate);

  it('are those Nebula prints, whatever surrounds the certificates', () => {
    const other = pem.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA');
    const bundle = `# ours\r\n${pem.replaceAll('\n', '\r\n')}\n\n  ${pem.replaceAll('\n', '\n  ')}\n${other}`;

    expect(fingerprints(bundle)).toEqual([FINGERPRINT, FINGERPRINT, expect.not.stringMatching(FINGERPRINT)]);
  });

  it.each(['', 'no certificate', '-----BEGIN NEBULA CERTIFICATE V2-----\nAAAA\n-----END NEBULA CERTIFICATE V2-----\n'])(
    'are none in %j',
    (text) => {
      expect(fingerprints(text)).toEqual(['']);
    },
  );

  it('leave out a certificate that is cut off', () => {
    expect(fingerprints(pem.slice(0, 200))).toEqual(['']);
  });
});
