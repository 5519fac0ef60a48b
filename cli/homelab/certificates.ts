import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { controlPlaneCommonName } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';

/** PEM texts that belong together. */
export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

export interface ControlPlaneCertificates {
  /** The CA: its certificate becomes the trust anchor, its key is needed for the next certificate only. */
  readonly authority: Certified;
  readonly controlPlane: Certified;
}

const run = promisify(execFile);
const PRIVATE = { mode: 0o600 } as const;
const AUTHORITY_DAYS = 3650;
export const CERTIFICATE_DAYS = 365;

/** What IAM Roles Anywhere asks of either kind (its user guide, "Signature validation"). */
const PROFILE = (commonName: string): string => `
[req]
prompt = no
distinguished_name = subject
[subject]
CN = ${commonName}
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[holder]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

const openssl = async (folder: string, args: readonly string[]): Promise<void> => {
  try {
    await run('openssl', [...args], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new ConfigurationError({
      what: missing ? 'openssl is not installed' : `openssl ${args[0]} failed`,
      got: error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : 'not found on PATH',
      remedy: 'install OpenSSL 1.1.1 or newer (or LibreSSL), then repeat the command',
      cause: error,
    });
  }
};

/** A key of P-256; none but the owner may read the file it is in. */
const newKey = async (folder: string, name: string): Promise<string> => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFile(join(folder, name), pem, PRIVATE);
  return pem;
};

/** A positive number of 159 bits: what certificates allow at most, less one. */
const newSerial = (): string => `0x${randomBytes(20).toString('hex').replace(/^./, '4')}`;

/** OpenSSL reads files only: in a folder that nobody else may enter, gone afterwards. */
const inPrivateFolder = async <T>(commonName: string, work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'carrierarr-certificate-'));
  try {
    await writeFile(join(folder, 'profile.cnf'), PROFILE(commonName));
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const read = (folder: string, name: string): Promise<string> => readFile(join(folder, name), 'utf8');

/** A CA of one's own, good for ten years, for nothing but this. */
export const makeAuthority = (fleet: string): Promise<Certified> =>
  inPrivateFolder(`${fleet} homelab CA`, async (folder) => {
    const key = await newKey(folder, 'ca.key');
    const made = ['-key', 'ca.key', '-out', 'ca.crt', '-days', String(AUTHORITY_DAYS), '-set_serial', newSerial()];
    await openssl(folder, [
      'req',
      '-new',
      '-x509',
      '-sha256',
      '-config',
      'profile.cnf',
      '-extensions',
      'authority',
      ...made,
    ]);
    return { certificate: await read(folder, 'ca.crt'), key };
  });

/** A certificate of that CA with the one name that AWS lets put this fleet's events. */
export const certifyControlPlane = (authority: Certified, fleet: string, days = CERTIFICATE_DAYS): Promise<Certified> =>
  inPrivateFolder(controlPlaneCommonName(fleet), async (folder) => {
    const key = await newKey(folder, 'holder.key');
    await writeFile(join(folder, 'ca.crt'), authority.certificate);
    await writeFile(join(folder, 'ca.key'), authority.key, PRIVATE);
    await openssl(folder, [
      'req',
      '-new',
      '-sha256',
      '-config',
      'profile.cnf',
      '-key',
      'holder.key',
      '-out',
      'holder.csr',
    ]);
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', newSerial(), '-days', String(days)];
    const profile = ['-extfile', 'profile.cnf', '-extensions', 'holder'];
    await openssl(folder, [
      'x509',
      '-req',
      '-sha256',
      '-in',
      'holder.csr',
      '-out',
      'holder.crt',
      ...signing,
      ...profile,
    ]);
    return { certificate: await read(folder, 'holder.crt'), key };
  });

/** Both at once, for a fleet that has neither. */
export const makeControlPlaneCertificates = async (
  fleet: string,
  days = CERTIFICATE_DAYS,
): Promise<ControlPlaneCertificates> => {
  const authority = await makeAuthority(fleet);
  return { authority, controlPlane: await certifyControlPlane(authority, fleet, days) };
};
