import { describe, expect, it } from 'vitest';
import { CertificateRuleError } from '#shared/errors.ts';
import type { CertificateDetails } from '../../../lambda/identity/certificate/index.ts';
import { checkAuthorityRules, checkSigningRules } from '../../../lambda/identity/signing-rules.ts';
import { NOW, network, nodeDetails, testAuthority } from './support/authority.ts';

const seconds = NOW.getTime() / 1000;
const authority = testAuthority();
const issuer = { authority, mesh: network('10.100.0.0/16'), lighthouse: network('10.100.0.1/16').address };
const check = (overrides: Partial<CertificateDetails>, force = false): void =>
  checkSigningRules(nodeDetails(authority, overrides), { issuer, now: NOW, force });
const unpaired = 'gpu-\ud800';

describe('a certificate is refused for', () => {
  it.each<[string, Partial<CertificateDetails>, RegExp]>([
    ['an empty name', { name: '' }, /needs a name; got an empty one; allowed: 1 to 253 bytes/],
    ['a name of blanks', { name: '  ' }, /needs a name/],
    ['a name of 254 bytes', { name: 'é'.repeat(127) }, /got 254 bytes/],
    ['a name that is not Unicode', { name: unpaired }, /not well-formed/],
    ['a comma in a group', { groups: ['workers,lighthouse'] }, /group cannot be written.*got "workers,lighthouse"/],
    ['an empty group', { groups: [''] }, /group cannot be written/],
    ['a blank before a group', { groups: [' aws'] }, /group cannot be written/],
    ['a group of blanks', { groups: [' '] }, /group cannot be written/],
    ['a group that is not Unicode', { groups: [unpaired] }, /group cannot be written/],
    [
      'a group the CA may not give',
      { groups: ['workers', 'lighthouse'] },
      /not present on the signing ca: lighthouse.*allowed: groups workers, aws/,
    ],
    ['a short public key', { publicKey: new Uint8Array(31).fill(1) }, /public key.*31 bytes/],
    ['a public key of zeros', { publicKey: new Uint8Array(32) }, /public key/],
    ['a key of the other curve', { curve: 'P256', publicKey: new Uint8Array(65).fill(4) }, /P256/],
    ['no address', { networks: [] }, /exactly one mesh address/],
    ['two addresses', { networks: [network('10.100.2.1/16'), network('10.100.2.2/16')] }, /exactly one mesh address/],
    ['a network behind it', { unsafeNetworks: [network('192.168.0.0/24')] }, /no networks behind it/],
    [
      'a narrower mask',
      { networks: [network('10.100.2.1/24')] },
      /narrower than the mesh.*got 10\.100\.2\.1\/24; allowed: \/16.*force/,
    ],
    ['a wider mask', { networks: [network('10.100.2.1/8')] }, /wider than the mesh/],
    ["the mesh's network address", { networks: [network('10.100.0.0/16')] }, /cannot be given to a node/],
    ["the mesh's broadcast address", { networks: [network('10.100.255.255/16')] }, /cannot be given to a node/],
    ["the lighthouse's address", { networks: [network('10.100.0.1/16')] }, /nor the lighthouse's 10\.100\.0\.1/],
    ['an address outside the mesh', { networks: [network('10.101.2.1/16')] }, /cannot be given to a node/],
    [
      'a life beyond the CA',
      { notAfter: seconds + 4000 * 86_400 },
      /would not lie inside its CA's.*Rolling over the CA/,
    ],
    ['a life that is over', { notAfter: seconds }, /would not lie inside/],
    ['a life that ends before it begins', { notBefore: seconds + 20, notAfter: seconds + 10 }, /would not lie inside/],
    ['a life begun before the CA', { notBefore: seconds - 2 * 86_400 }, /valid before the signing certificate/],
    ['more groups than KMS signs', { groups: Array.from({ length: 450 }, () => 'workers') }, /too large.*4096 bytes/],
  ])('%s', (_, overrides, message) => {
    expect(() => check(overrides)).toThrow(CertificateRuleError);
    expect(() => check(overrides)).toThrow(message);
  });

  it('a CA that is not valid now', () => {
    const expired = testAuthority({ notAfter: seconds - 1 });
    const details = nodeDetails(expired, { notBefore: seconds - 100, notAfter: seconds - 1 });

    expect(() =>
      checkSigningRules(details, { issuer: { ...issuer, authority: expired }, now: NOW, force: false }),
    ).toThrow(/the CA is not valid now/);
  });

  it("an address outside the CA's networks, naming them", () => {
    const limited = testAuthority({ networks: [network('10.100.2.0/24')] });
    const details = nodeDetails(limited);

    expect(() =>
      checkSigningRules(details, { issuer: { ...issuer, authority: limited }, now: NOW, force: false }),
    ).toThrow(/outside the limitations of the signing ca: 10\.100\.2\.1\/16.*networks 10\.100\.2\.0\/24/);
  });
});

describe('a certificate is accepted', () => {
  it.each<[string, Partial<CertificateDetails>]>([
    ['as the runbook makes it', {}],
    ['without groups', { groups: [] }],
    ['with the longest name', { name: 'n'.repeat(253) }],
    ['with the last address', { networks: [network('10.100.255.254/16')] }],
    ['for exactly the life of its CA', { notBefore: seconds - 86_400, notAfter: seconds + 3650 * 86_400 }],
  ])('%s', (_, overrides) => {
    expect(() => check(overrides)).not.toThrow();
  });

  it('with any group where the CA has no limit', () => {
    const open = testAuthority({ groups: [] });
    const details = nodeDetails(open, { groups: ['homelab'] });

    expect(() =>
      checkSigningRules(details, { issuer: { ...issuer, authority: open }, now: NOW, force: false }),
    ).not.toThrow();
  });
});

describe('force', () => {
  it.each(['10.100.2.1/24', '10.100.2.1/32', '10.100.2.0/31'])('takes the narrower %s', (text) => {
    expect(() => check({ networks: [network(text)] }, true)).not.toThrow();
  });

  it.each(['10.100.2.0/24', '10.100.2.255/24'])('does not take %s, which is no host of its own network', (text) => {
    expect(() => check({ networks: [network(text)] }, true)).toThrow(/cannot be given to a node/);
  });

  it.each(['10.100.2.1/8', '10.100.0.1/24'])('does not take %s', (text) => {
    expect(() => check({ networks: [network(text)] }, true)).toThrow(CertificateRuleError);
  });
});

describe('a CA of ours', () => {
  it('keeps the rules on name and groups as well', () => {
    const { details } = authority.certificate;

    expect(() => checkAuthorityRules(details)).not.toThrow();
    expect(() => checkAuthorityRules({ ...details, name: '' })).toThrow(/needs a name/);
    expect(() => checkAuthorityRules({ ...details, groups: ['a,b'] })).toThrow(/group cannot be written/);
  });
});
