/** An IPv4 range as two unsigned 32-bit numbers, first and last address. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

const OCTETS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** @returns undefined where the text is no IPv4 address. */
export const parseAddress = (text: string): number | undefined => {
  const octets = OCTETS.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((number, octet) => number * 256 + octet, 0);
};

/** @returns undefined where the text is no IPv4 range; host bits are ignored. */
export const parseRange = (text: string): Range | undefined => {
  const [base = '', bits = ''] = text.split('/');
  const address = parseAddress(base);
  if (address === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
};

export const overlaps = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;

export const contains = (outer: Range, inner: Range): boolean => outer.first <= inner.first && inner.last <= outer.last;
