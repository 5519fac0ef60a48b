import { randomBytes } from 'node:crypto';

/** A resource id in EC2's long form, e.g. `i-0123456789abcdef0`. */
export const newId = (prefix: string): string => `${prefix}-${randomBytes(9).toString('hex').slice(0, 17)}`;
