/**
 * Which instance types the emulated region offers in which zone. Types it has never heard of are not offered, so that
 * a misspelt one fails as it does on AWS.
 */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  t3: ['nano', 'micro', 'small', 'medium', 'large', 'xlarge', '2xlarge'],
  t3a: ['nano', 'micro', 'small', 'medium', 'large', 'xlarge', '2xlarge'],
  m7i: ['large', 'xlarge', '2xlarge', '4xlarge'],
  c7i: ['large', 'xlarge', '2xlarge', '4xlarge'],
  g4dn: ['xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge', 'metal'],
  g5: ['xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge', '24xlarge', '48xlarge'],
  g6: ['xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge', '24xlarge', '48xlarge'],
  g6e: ['xlarge', '2xlarge', '4xlarge', '8xlarge'],
};

/** Families that the last zone of a region lacks: zones differ on AWS, and code that assumes otherwise must fail here. */
const NOT_IN_ZONE_D: readonly string[] = ['g5', 'g6', 'g6e', 'm7i'];

export interface Offering {
  readonly instanceType: string;
  readonly zone: string;
}

export const isOffered = (instanceType: string, zone: string): boolean => {
  const [family = '', size = ''] = instanceType.split('.');
  const known = FAMILIES[family]?.includes(size) ?? false;
  return known && !(zone.endsWith('d') && NOT_IN_ZONE_D.includes(family));
};

export const zonesOf = (region: string): string[] => ['a', 'b', 'c', 'd'].map((letter) => `${region}${letter}`);

export const offerings = (region: string): Offering[] =>
  Object.entries(FAMILIES).flatMap(([family, sizes]) =>
    sizes.flatMap((size) =>
      zonesOf(region)
        .map((zone) => ({ instanceType: `${family}.${size}`, zone }))
        .filter((offering) => isOffered(offering.instanceType, offering.zone)),
    ),
  );
