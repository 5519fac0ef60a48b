import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

const KEYS = { ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], rsa: ['-newkey', 'rsa:2048'] } as const;

/** Makes a certificate with OpenSSL, which shares no code with what is tested here. */
export const selfSigned = (subject: string, kind: keyof typeof KEYS, extensions: readonly string[]): Certified => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-x509-'));
  try {
    const [certificate, key] = [join(folder, 'crt'), join(folder, 'key')];
    const added = extensions.flatMap((extension) => ['-addext', extension]);
    writeFileSync(join(folder, 'cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', ...KEYS[kind], '-nodes', '-days', '60', '-config', join(folder, 'cnf')],
        ...['-subj', `/CN=${subject}`, '-keyout', key, '-out', certificate, ...added],
      ],
      { stdio: 'pipe' },
    );
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const AUTHORITY = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

export const anAuthority = (subject = 'a homelab', kind: keyof typeof KEYS = 'ec'): Certified =>
  selfSigned(subject, kind, AUTHORITY);

/** Signs for itself only; what shows a certificate and not where it comes from is content with it. */
export const aHolder = (subject: string, kind: keyof typeof KEYS = 'ec'): Certified =>
  selfSigned(subject, kind, ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature']);
