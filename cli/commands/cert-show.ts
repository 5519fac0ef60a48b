import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { certificateText } from '../render/certificate.ts';
import { readText } from '../system/read-text.ts';

/** PEM of a file, or of the newest certificate that was issued for a name. */
const find = async (what: string, command: Command, io: Io): Promise<string> => {
  if (existsSync(what)) return readText(what, 'the certificate');
  if (/[/.]/.test(what)) return readText(what, 'the certificate');
  const [newest] = await (await openFleet(command, io)).api.certificates(what);
  if (newest !== undefined) return newest.pem;
  throw new CommandError(EXIT.notFound, {
    what: `no certificate was ever issued for ${what}, and no such file exists`,
    remedy: 'see `carrierarr cert list`',
  });
};

export const registerCertShow = (cert: Command, io: Io): void => {
  cert
    .command('show')
    .summary('show what is in a certificate')
    .description(
      'Shows the certificates of a file, or the newest of a worker. --json prints exactly what\n' +
        '`nebula-cert print -json` of Nebula 1.9 prints (times in UTC), one line per certificate.',
    )
    .argument('<name|file>', 'a file if one of that name exists, else a worker')
    .action(async (what: string, _options: unknown, command: Command) => {
      const { certificatesFromPem, certificateToJson } = await import('../../lambda/identity/certificate/index.ts');
      const certificates = certificatesFromPem(await find(what, command, io));
      for (const certificate of certificates) {
        if (wantsJson(command)) io.out.write(`${certificateToJson(certificate)}\n`);
        else io.out.write(await certificateText(certificate, io.out, io.now()));
      }
    });
};
