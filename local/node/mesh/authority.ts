import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** From 1.10 on nebula-cert makes version 2 certificates unless told; older ones do not know the option. */
const nebulaCert = async (program: string, command: readonly string[], options: readonly string[]): Promise<void> => {
  try {
    await run(program, [...command, '-version', '1', ...options]);
  } catch {
    await run(program, [...command, ...options]);
  }
};

export interface LighthouseIdentity {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Makes the homelab's own CA below `directory` and signs its lighthouse, as somebody did at home long ago. */
export const makeHomelabAuthority = async (
  program: string,
  directory: string,
  lighthouse: string,
): Promise<LighthouseIdentity> => {
  const folder = join(directory, 'homelab-ca');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(folder, name);
  const authority = ['-out-crt', path('ca.crt'), '-out-key', path('ca.key')];
  await nebulaCert(program, ['ca'], ['-name', 'homelab-lighthouse-mesh', ...authority]);
  const signer = ['-ca-crt', path('ca.crt'), '-ca-key', path('ca.key')];
  const subject = ['-name', 'talos00', '-ip', lighthouse, '-groups', 'lighthouse,homelab'];
  await nebulaCert(
    program,
    ['sign'],
    [...signer, ...subject, '-out-crt', path('host.crt'), '-out-key', path('host.key')],
  );
  const read = (name: string) => readFile(path(name), 'utf8');
  return { caPem: await read('ca.crt'), certificatePem: await read('host.crt'), keyPem: await read('host.key') };
};
