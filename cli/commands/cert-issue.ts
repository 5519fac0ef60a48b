import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { readText } from '../system/read-text.ts';

interface IssueOptions {
  readonly inPub: string;
  readonly address?: string;
  readonly groups?: string[];
  readonly days?: number;
  readonly force?: boolean;
  readonly out?: string;
  readonly outCa?: string;
}

const positive = (text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a positive number of days.');
};

/** As `nebula-cert -groups`: split at commas, blanks around them and empty ones dropped. */
const splitGroups = (text: string): string[] =>
  text
    .split(',')
    .map((group) => group.trim())
    .filter(Boolean);

const readRequest = async (name: string, options: IssueOptions) => {
  const [{ CertificateRequest }, { parseInput }, { publicKeyFromPem }] = await Promise.all([
    import('#contract'),
    import('#shared/input.ts'),
    import('../../lambda/identity/certificate/index.ts'),
  ]);
  const publicKey = await readText(options.inPub, 'the public key');
  // A private key handed in by mistake must not leave this machine.
  publicKeyFromPem(publicKey);
  const { address, groups, days, force } = options;
  const given = { name, publicKey, address, groups, days, force };
  return parseInput(
    CertificateRequest,
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  );
};

export const registerCertIssue = (cert: Command, io: Io): void => {
  cert
    .command('issue')
    .summary('issue a certificate for a public key made elsewhere')
    .description(
      'Has the CA sign a certificate for a public key that was made elsewhere (`nebula-cert keygen`), so that the\n' +
        'private key never travels. Without --out the certificate is printed.',
    )
    .argument('<name>', 'name in the certificate')
    .requiredOption('--in-pub <file>', 'public key, PEM')
    .option('--address <address>', "mesh address, with a mask or the mesh's (default: the next free one)")
    .option('--groups <groups>', "comma-separated (default: the fleet's)", splitGroups)
    .option('--days <days>', "length of life (default: the fleet's)", positive)
    .option('--force', 'take a mask narrower than the mesh, or replace a certificate of that name in force')
    .option('--out <file>', 'write the certificate here')
    .option('--out-ca <file>', 'write the CAs that the mesh trusts here')
    .action(async (name: string, options: IssueOptions, command: Command) => {
      const request = await readRequest(name, options);
      const issued = await (await openFleet(command, io)).api.issueCertificate(request);
      if (options.out !== undefined) await writeFile(options.out, issued.pem);
      if (options.outCa !== undefined) await writeFile(options.outCa, issued.ca);
      const { address, fingerprint, notAfter } = issued;
      if (wantsJson(command)) io.out.write(`${JSON.stringify(issued)}\n`);
      else if (options.out === undefined) io.out.write(issued.pem);
      else io.out.write(`${options.out}: ${name} at ${address}, until ${notAfter}, fingerprint ${fingerprint}\n`);
    });
};
