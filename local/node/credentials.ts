const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const PREFIX = 'ASIA';
const DIGITS = 16;

/** The digit before the id's own keeps their leading zeros and tells the kind of node. */
const KINDS = { i: '1', mi: '2' } as const;
const ID = /^(i|mi)-([0-9a-f]{8,17})$/;

const isKind = (text: string | undefined): text is keyof typeof KINDS => text !== undefined && text in KINDS;

/**
 * Access key id of the temporary credentials that a node's role hands out, 20 characters as AWS makes them. It encodes
 * the node's id, so that whoever receives a signed call knows which node sent it.
 */
export const accessKeyIdOf = (instanceId: string): string => {
  const [, kind, hex] = ID.exec(instanceId) ?? [];
  if (!isKind(kind)) throw new TypeError(`not a node's id: ${instanceId}; expected i- or mi- and 8 to 17 hex digits`);
  let rest = BigInt(`0x${KINDS[kind]}${hex}`);
  let digits = '';
  for (let i = 0; i < DIGITS; i += 1) {
    digits = `${ALPHABET.charAt(Number(rest % 32n))}${digits}`;
    rest /= 32n;
  }
  return PREFIX + digits;
};

/** The node whose role has this access key id, or undefined where it is nobody's: the operator's, a Lambda's. */
export const instanceIdOf = (accessKeyId: string): string | undefined => {
  if (!accessKeyId.startsWith(PREFIX) || accessKeyId.length !== PREFIX.length + DIGITS) return undefined;
  let number = 0n;
  for (const digit of accessKeyId.slice(PREFIX.length)) {
    const value = ALPHABET.indexOf(digit);
    if (value < 0) return undefined;
    number = number * 32n + BigInt(value);
  }
  const [, first, hex] = /^([12])([0-9a-f]{8,17})$/.exec(number.toString(16)) ?? [];
  if (hex === undefined) return undefined;
  return `${first === KINDS.i ? 'i' : 'mi'}-${hex}`;
};

export interface InstanceCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Opens nothing outside this machine: the embedded cloud reads the access key id and checks no signature. */
export const credentialsOf = (instanceId: string): InstanceCredentials => ({
  accessKeyId: accessKeyIdOf(instanceId),
  secretAccessKey: `embedded-cloud-${instanceId}`,
  sessionToken: `embedded-cloud-session-${instanceId}`,
});
