import type { Homelab } from '../host.ts';

/**
 * Certificate of a homelab CA for hosts without real Nebula, so that a fleet can be configured to trust one. Its key
 * was thrown away: nothing ever handshakes there. Valid until 2046.
 */
const PLAYED_CA = `-----BEGIN NEBULA CERTIFICATE-----
CksKGXRhbG9zLWhvbWVsYWItbWVzaC1wbGF5ZWQor8aI2AYwr9LohAk6IGW+fAGP
xWB5We7s4kMivBDIeu9KXn6VwDc0hgE5a7n5QAESQI3/nU8TmIwRQIVqi2G9zxyK
29G28aF2qMjwfzsVekwHnCz2unyTFreCF8J7DoeG8DGVM6PyUWGxetByZgndvAI=
-----END NEBULA CERTIFICATE-----
`;

/** A homelab where nothing runs; on a node the stand-in for ping answers in the lighthouse's place. */
export const playedHomelab: Homelab = {
  prepareHomelab: async () => ({ trustedCaPem: PLAYED_CA }),
  startHomelab: async () => undefined,
};
