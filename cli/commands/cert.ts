import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { registerCertIssue } from './cert-issue.ts';
import { registerCertList } from './cert-list.ts';
import { registerCertRenew } from './cert-renew.ts';
import { registerCertShow } from './cert-show.ts';
import { registerCertVerify } from './cert-verify.ts';

export const registerCert = (program: Command, io: Io): void => {
  const cert = program
    .command('cert')
    .summary("issue, show, verify, list and renew the mesh's certificates")
    .description('Nebula certificates of the mesh. `show` and `verify` also work on files, offline.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr cert list\n  $ carrierarr cert show gpu-worker-001\n' +
        '  $ carrierarr cert verify host.crt --ca ca.crt\n' +
        '  $ nebula-cert keygen -out-key host.key -out-pub host.pub\n' +
        '  $ carrierarr cert issue laptop --in-pub host.pub --out host.crt --out-ca ca.crt',
    );
  registerCertIssue(cert, io);
  registerCertShow(cert, io);
  registerCertVerify(cert, io);
  registerCertList(cert, io);
  registerCertRenew(cert, io);
};
