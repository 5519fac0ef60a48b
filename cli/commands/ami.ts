import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { registerAmiBuild } from './ami-build.ts';
import { registerAmiList } from './ami-list.ts';
import { registerAmiPrune } from './ami-prune.ts';
import { registerAmiPublish } from './ami-publish.ts';

export const registerAmi = (program: Command, io: Io): void => {
  const ami = program
    .command('ami')
    .summary('build, publish, list and prune the images that workers boot')
    .description('Machine images of the fleet: made by Image Builder or Packer, named by one parameter for each role.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr ami build gpu-worker\n  $ carrierarr ami publish --manifest ami/manifest-gpu-worker.json\n' +
        '  $ carrierarr ami list\n  $ carrierarr ami prune --yes',
    );
  registerAmiBuild(ami, io);
  registerAmiPublish(ami, io);
  registerAmiList(ami, io);
  registerAmiPrune(ami, io);
};
