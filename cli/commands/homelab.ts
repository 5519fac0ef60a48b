import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { registerHomelabActivate } from './homelab-activate.ts';
import { registerHomelabCertificate } from './homelab-certificate.ts';
import { registerHomelabControlPlane } from './homelab-control-plane.ts';
import { registerHomelabDeactivate } from './homelab-deactivate.ts';
import { registerHomelabStatus } from './homelab-status.ts';

export const registerHomelab = (program: Command, io: Io): void => {
  const homelab = program
    .command('homelab')
    .summary("the homelab's own node, and its control plane's keys")
    .description(
      "The homelab's own node: an SSM agent in its cluster, through which Liqo is installed, peered and verified there.\n" +
        'And what its control plane, where agents report, has to be given.\n' +
        'docs/homelab.md says what else to prepare.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr homelab activate\n  $ carrierarr homelab status\n  $ carrierarr homelab deactivate',
    );
  registerHomelabActivate(homelab, io);
  registerHomelabStatus(homelab, io);
  registerHomelabDeactivate(homelab, io);
  registerHomelabCertificate(homelab, io);
  registerHomelabControlPlane(homelab, io);
};
