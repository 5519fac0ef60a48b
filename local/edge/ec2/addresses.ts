import { AwsRefusal } from '../protocol/refusal.ts';

const toNumber = (address: string): number => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);

const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** EC2 keeps the first four addresses of a subnet and the last one for itself. */
const RESERVED_FIRST = 4;

/** The lowest address of a subnet nobody has. @throws AwsRefusal InsufficientFreeAddressesInSubnet */
export const freeAddress = (cidr: string, taken: ReadonlySet<string>): string => {
  const [base = '', bits = '24'] = cidr.split('/');
  const first = toNumber(base);
  const size = 2 ** (32 - Number(bits));
  for (let offset = RESERVED_FIRST; offset < size - 1; offset += 1) {
    const address = toAddress(first + offset);
    if (!taken.has(address)) return address;
  }
  throw new AwsRefusal('InsufficientFreeAddressesInSubnet', `There are not enough free addresses in ${cidr}`);
};
