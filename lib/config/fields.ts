import * as z from 'zod';

/** Kinds of values that the configuration is made of. */
export const text = z.string().min(1);
export const cidr = z.cidrv4({ error: 'an IPv4 range such as 10.80.0.0/16' });
export const address = z.ipv4({ error: 'an IPv4 address such as 10.100.0.1' });
export const endpoint = z
  .string()
  .regex(/^[a-zA-Z0-9.-]+:[0-9]{1,5}$/, { error: 'host:port, such as nebula.example.org:4242' });
export const version = z
  .string()
  .regex(/^v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.]+)?$/, { error: 'a version such as 1.16.6' });
export const pem = z
  .string()
  .regex(/^-----BEGIN NEBULA CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END NEBULA CERTIFICATE-----\n?$/, {
    error: 'one PEM block NEBULA CERTIFICATE (version 1)',
  });
export const meshGroup = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, { error: 'letters, digits, hyphen, underscore' });
export const zone = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$/, { error: 'an availability zone such as us-west-2a' });
/** A NodePort: outside this range Kubernetes refuses the Service. */
export const nodePort = z.int().min(30_000).max(32_767);
/** Name of a Kubernetes object; as a parameter of a step it starts with a letter. */
export const objectName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, { error: '1 to 63 lower-case letters, digits, hyphens; starts with a letter' });
export const quantity = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, { error: 'a Kubernetes quantity such as 4, 500m or 8Gi' });
export const proxyUrl = z.union([
  z.literal(''),
  z.string().regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/, { error: 'http://host:port' }),
]);
/** One or two certificates: IAM Roles Anywhere takes two, so that a CA can be replaced. */
export const certificateAuthority = z
  .string()
  .regex(/^(-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*){1,2}$/, {
    error: 'PEM of one X.509 certificate, or of two',
  });
export const pageUrl = z.string().regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._~/-]*)?$/, {
  error: 'http://host:port or https://host/path',
});
