import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ServerCertificate {
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A certificate for these names by an authority made for the purpose; openssl, since Node makes none. */
export const certificateFor = (names: readonly string[]): ServerCertificate => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-tls-'));
  const path = (file: string) => join(folder, file);
  const request = (...options: string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...key, ...options], { stdio: 'pipe' });
  };
  try {
    request('-subj', '/CN=Carrierarr test authority', '-keyout', path('ca.key'), '-out', path('ca.pem'));
    const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key')];
    const subject = [
      '-subj',
      `/CN=${names[0]}`,
      '-addext',
      `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`,
    ];
    const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE'];
    request(...signer, ...subject, ...leaf, '-keyout', path('key.pem'), '-out', path('cert.pem'));
    const read = (file: string) => readFileSync(path(file), 'utf8');
    return { authorityPem: read('ca.pem'), certificatePem: read('cert.pem'), keyPem: read('key.pem') };
  } finally {
    rmSync(folder, { recursive: true });
  }
};
