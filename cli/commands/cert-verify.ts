import { type Command, InvalidArgumentError } from 'commander';
import { findCarrierarrError } from '#shared/errors.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { readText } from '../system/read-text.ts';

const seconds = (text: string): number => {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected Unix seconds, e.g. 1795305600.');
};

interface Judgement {
  /** Empty when the certificate could not even be read. */
  readonly name: string;
  readonly ok: boolean;
  readonly reason?: string;
}

/** A file that is no certificate is one that no peer takes: as with `nebula-cert verify`, a verdict and not bad usage. */
const judge = async (pem: string, ca: string, at: Date): Promise<Judgement> => {
  const { certificateFromPem, poolFromPem, verifyCertificate } = await import(
    '../../lambda/identity/certificate/index.ts'
  );
  try {
    const certificate = certificateFromPem(pem);
    return { name: certificate.details.name, ...verifyCertificate(certificate, poolFromPem(ca), at) };
  } catch (error) {
    const broken = findCarrierarrError(error);
    if (broken === undefined) throw error;
    return { name: '', ok: false, reason: broken.got === undefined ? broken.what : `${broken.what}: ${broken.got}` };
  }
};

export const registerCertVerify = (cert: Command, io: Io): void => {
  cert
    .command('verify')
    .summary('check a certificate against CAs, offline')
    .description(
      'Says whether a Nebula peer that trusts these CAs would take the certificate, with the reason Nebula gives.\n' +
        'Offline. Exit code 0 when it would, 1 when not.',
    )
    .argument('<file>', 'certificate, PEM')
    .requiredOption('--ca <file>', 'one or more CA certificates, PEM')
    .option('--at <unix-seconds>', 'at this instant (default: now)', seconds)
    .action(async (file: string, options: { ca: string; at?: number }, command: Command) => {
      const [pem, ca] = await Promise.all([readText(file, 'the certificate'), readText(options.ca, 'the CA')]);
      const at = options.at === undefined ? io.now() : new Date(options.at * 1000);
      const { name, ...verdict } = await judge(pem, ca, at);
      if (wantsJson(command)) io.out.write(`${JSON.stringify({ name, at: at.toISOString(), ...verdict })}\n`);
      if (!verdict.ok) {
        throw new CommandError(EXIT.failed, {
          what: `${file}: ${verdict.reason}`,
          remedy: `look at it: carrierarr cert show ${file}`,
        });
      }
      if (!wantsJson(command)) io.out.write(`${file}: valid (${name})\n`);
    });
};
