import type { Command } from 'commander';
import type { CertificateView } from '#contract';
import { openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { formatRemaining } from '../render/duration.ts';
import { type Column, renderTable } from '../render/table.ts';

const FINGERPRINT_LENGTH = 16;

const columns = (now: Date): Column<CertificateView>[] => [
  { title: 'NAME', value: ({ name }) => name, style: () => 'bold' },
  { title: 'ADDRESS', value: ({ address }) => address },
  { title: 'GROUPS', value: ({ groups }) => groups.join(',') },
  {
    title: 'STATUS',
    value: ({ status }) => status,
    style: ({ status }) => (status === 'revoked' ? 'red' : 'green'),
  },
  { title: 'ENDS', value: ({ notAfter }) => formatRemaining(new Date(notAfter), now) },
  { title: 'ISSUED', value: ({ issuedAt }) => issuedAt },
  { title: 'FINGERPRINT', value: ({ fingerprint }) => fingerprint.slice(0, FINGERPRINT_LENGTH) },
];

export const registerCertList = (cert: Command, io: Io): void => {
  cert
    .command('list')
    .summary('list every certificate ever issued')
    .description('Lists every certificate that the fleet issued and that has not run out, revoked ones included.')
    .argument('[name]', 'only those of one name')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const certificates = await (await openFleet(command, io)).api.certificates(name);
      if (wantsJson(command)) io.out.write(`${JSON.stringify({ certificates })}\n`);
      else if (certificates.length === 0) io.out.write('No certificate has been issued.\n');
      else io.out.write(renderTable(columns(io.now()), certificates, io.out));
    });
};
