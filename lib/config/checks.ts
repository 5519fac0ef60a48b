import type { Fault } from '#shared/errors.ts';
import { AGENT_CHECKS } from './checks-agent.ts';
import { CLUSTER_CHECKS } from './checks-cluster.ts';
import { HOMELAB_CHECKS } from './checks-homelab.ts';
import { IMAGE_CHECKS } from './checks-images.ts';
import { contains, overlaps, parseAddress, parseRange, type Range } from './cidr.ts';
import { listAt, type Raw, textAt } from './raw.ts';

/**
 * What no single field can know: faults between fields. The checks read the merged but still unparsed configuration and
 * leave alone what is not well-formed, so that these faults and those of the schema are reported together.
 */
const RANGES = [
  'mesh.cidr',
  'network.vpcCidr',
  'cluster.podCidr',
  'cluster.serviceCidr',
  'homelab.podCidr',
  'homelab.serviceCidr',
  'homelab.lanCidr',
] as const;

/** The one overlap that works and is the seed's: it is warned of instead (see `warnings.ts`). */
export const isMeshInHomelabServices = (mesh: string, services: string): boolean => {
  const [inner, outer] = [parseRange(mesh), parseRange(services)];
  return inner !== undefined && outer !== undefined && contains(outer, inner);
};

const overlappingRanges = (raw: Raw): Fault[] => {
  const ranges = RANGES.map((field) => ({ field, text: textAt(raw, field), range: parseRange(textAt(raw, field)) }));
  const known = ranges.filter((item): item is typeof item & { range: Range } => item.range !== undefined);
  return known.flatMap((a, index) =>
    known
      .slice(index + 1)
      .filter((b) => overlaps(a.range, b.range))
      .filter((b) => !(a.field === 'mesh.cidr' && b.field === 'homelab.serviceCidr' && contains(b.range, a.range)))
      .map((b) => ({
        field: a.field,
        what: `overlaps ${b.field}`,
        got: `${a.text} and ${b.text}`,
        allowed: 'ranges that share no address',
      })),
  );
};

/** Where the worker agent's unit lets it out to (IPAddressAllow). */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
const PRIVATE = PRIVATE_RANGES.map(parseRange).filter((range) => range !== undefined);

const meshAddresses = (raw: Raw): Fault[] => {
  const cidr = textAt(raw, 'mesh.cidr');
  const mesh = parseRange(cidr);
  if (mesh === undefined) return [];
  if (!PRIVATE.some((range) => contains(range, mesh)))
    return [
      {
        field: 'mesh.cidr',
        what: 'not private: nodes let their agent out to no other address',
        got: cidr,
        allowed: PRIVATE_RANGES.join(', '),
      },
    ];
  return ['mesh.firstWorkerAddress', 'mesh.lighthouse.address'].flatMap((field) => {
    const address = parseAddress(textAt(raw, field));
    if (address === undefined || (address > mesh.first && address < mesh.last)) return [];
    return [{ field, what: 'not a host of the mesh', got: textAt(raw, field), allowed: `a host address in ${cidr}` }];
  });
};

const zonesOfRegion = (raw: Raw): Fault[] => {
  const region = textAt(raw, 'region');
  const foreign = listAt(raw, 'network.zones').filter((zone) => !zone.startsWith(region));
  if (foreign.length === 0) return [];
  const allowed = `zones of ${region}, such as ${region}a`;
  return [{ field: 'network.zones', what: 'zones of another region', got: foreign.join(', '), allowed }];
};

const existingVpc = (raw: Raw): Fault[] => {
  const vpc = textAt(raw, 'network.vpcId');
  const subnets = listAt(raw, 'network.subnetIds');
  const zones = listAt(raw, 'network.zones');
  if (vpc === '' && subnets.length === 0) return [];
  if (vpc !== '' && subnets.length === zones.length) return [];
  return [
    {
      field: 'network.subnetIds',
      what: vpc === '' ? 'given without network.vpcId' : 'not one per zone',
      got: `${subnets.length} subnets, ${zones.length} zones, vpcId ${vpc === '' ? 'absent' : vpc}`,
      allowed: 'vpcId together with one public subnet per zone, in the order of network.zones',
    },
  ];
};

const SIGNER_FIELDS = { kms: ['keyArn'], secret: ['secretArn', 'certificate'] } as const;

const signer = (raw: Raw): Fault[] => {
  const kind = textAt(raw, 'mesh.ca.signer');
  if (kind !== 'kms' && kind !== 'secret') return [];
  const foreign = SIGNER_FIELDS[kind === 'kms' ? 'secret' : 'kms'].filter(
    (key) => textAt(raw, `mesh.ca.${key}`) !== '',
  );
  const missing = kind === 'secret' ? SIGNER_FIELDS.secret.filter((key) => textAt(raw, `mesh.ca.${key}`) === '') : [];
  return [
    ...foreign.map((key) => ({
      field: `mesh.ca.${key}`,
      what: `has no meaning with signer ${kind}`,
      got: textAt(raw, `mesh.ca.${key}`),
      allowed: 'nothing',
    })),
    ...missing.map((key) => ({
      field: `mesh.ca.${key}`,
      what: 'needed with signer secret',
      got: 'nothing',
      allowed: key === 'secretArn' ? 'ARN of the secret with the CA key' : 'PEM of the CA certificate',
    })),
  ];
};

const groupsOfCa = (raw: Raw): Fault[] => {
  const allowed = listAt(raw, 'mesh.ca.groups');
  if (allowed.length === 0) return [];
  return ['lighthouse', 'gpu-worker'].flatMap((role) => {
    const outside = listAt(raw, `roles.${role}.groups`).filter((group) => !allowed.includes(group));
    if (outside.length === 0) return [];
    return [
      {
        field: `roles.${role}.groups`,
        what: 'groups the CA may not certify',
        got: outside.join(', '),
        allowed: allowed.join(', '),
      },
    ];
  });
};

/** Settings travel in one environment variable of 4 KiB together with everything else a function is told. */
const TRUSTED_CAS_CHARACTERS = 2000;

const trustedCasSize = (raw: Raw): Fault[] => {
  const size = listAt(raw, 'mesh.trustedCas').join('').length;
  if (size <= TRUSTED_CAS_CHARACTERS) return [];
  return [
    {
      field: 'mesh.trustedCas',
      what: "too long for a Lambda's environment",
      got: `${size} characters`,
      allowed: `${TRUSTED_CAS_CHARACTERS} characters, some six certificates`,
    },
  ];
};

const CHECKS = [
  overlappingRanges,
  meshAddresses,
  zonesOfRegion,
  existingVpc,
  signer,
  groupsOfCa,
  trustedCasSize,
  ...CLUSTER_CHECKS,
  ...HOMELAB_CHECKS,
  ...IMAGE_CHECKS,
  ...AGENT_CHECKS,
];

/** Every fault between fields. */
export const crossFaults = (raw: Raw): Fault[] => CHECKS.flatMap((check) => check(raw));
