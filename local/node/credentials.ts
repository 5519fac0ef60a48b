const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const PREFIX = 'ASIA';
const DIGITS = 16;

/**
 * Access key id of the temporary credentials that an instance's role hands out, 20 characters as AWS makes them. It
 * encodes the instance id, so that whoever receives a signed call knows which instance sent it.
 */
export const accessKeyIdOf = (instanceId: string): string => {
  const hex = /^i-([0-9a-f]{8,17})$/.exec(instanceId)?.[1];
  if (hex === undefined) throw new TypeError(`not an instance id: ${instanceId}; expected i- and 8 to 17 hex digits`);
  // The leading 1 keeps the id's leading zeros.
  let rest = BigInt(`0x1${hex}`);
  let digits = '';
  for (let i = 0; i < DIGITS; i += 1) {
    digits = `${ALPHABET.charAt(Number(rest % 32n))}${digits}`;
    rest /= 32n;
  }
  return PREFIX + digits;
};

/** The instance whose role has this access key id, or undefined where it is nobody's: the operator's, a Lambda's. */
export const instanceIdOf = (accessKeyId: string): string | undefined => {
  if (!accessKeyId.startsWith(PREFIX) || accessKeyId.length !== PREFIX.length + DIGITS) return undefined;
  let number = 0n;
  for (const digit of accessKeyId.slice(PREFIX.length)) {
    const value = ALPHABET.indexOf(digit);
    if (value < 0) return undefined;
    number = number * 32n + BigInt(value);
  }
  const hex = number.toString(16);
  return /^1[0-9a-f]{8,17}$/.test(hex) ? `i-${hex.slice(1)}` : undefined;
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
