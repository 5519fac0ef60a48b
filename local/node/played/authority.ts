/**
 * Certificate of a homelab CA for hosts without real Nebula, so that a fleet can be configured to trust one. Its key
 * was thrown away: nothing ever handshakes there. Valid until 2046.
 */
export const PLAYED_CA = `-----BEGIN NEBULA CERTIFICATE-----
CksKGXRhbG9zLWhvbWVsYWItbWVzaC1wbGF5ZWQor8aI2AYwr9LohAk6IGW+fAGP
xWB5We7s4kMivBDIeu9KXn6VwDc0hgE5a7n5QAESQI3/nU8TmIwRQIVqi2G9zxyK
29G28aF2qMjwfzsVekwHnCz2unyTFreCF8J7DoeG8DGVM6PyUWGxetByZgndvAI=
-----END NEBULA CERTIFICATE-----
`;
