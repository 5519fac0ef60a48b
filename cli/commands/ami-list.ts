import type { Command } from 'commander';
import { wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { renderTable } from '../render/table.ts';

const EMPTY =
  'There is no image: build one with `carrierarr ami build`, or publish what Packer made with `carrierarr ami publish`.\n';

const list = async (command: Command, io: Io): Promise<void> => {
  const [{ openAmiDoors }, { dollarsPerMonth, gibOf, takeInventory }, render] = await Promise.all([
    import('../ami/open-doors.ts'),
    import('../ami/inventory.ts'),
    import('../ami/render.ts'),
  ]);
  const { doors } = await openAmiDoors(command, io);
  const images = await takeInventory(doors);
  const gib = gibOf(images);
  if (wantsJson(command)) {
    const total = { images: images.length, snapshotGib: gib, dollarsPerMonth: dollarsPerMonth(gib) };
    io.out.write(`${JSON.stringify({ images: images.map(render.imageView), total })}\n`);
  } else if (images.length === 0) io.out.write(EMPTY);
  else {
    io.out.write(renderTable(render.imageColumns(io.now()), images, io.out));
    const count = `${images.length} image${images.length === 1 ? '' : 's'}`;
    io.out.write(`${count}, ${render.gibText(gib)} GiB, at most ${render.dollarsText(gib)} a month\n`);
  }
};

export const registerAmiList = (ami: Command, io: Io): void => {
  ami
    .command('list')
    .summary('list images with their costs and their users')
    .description(
      "Lists the fleet's images, and those that no fleet has published yet, newest first: what they hold, what they\n" +
        'cost, and which parameter, launch template or worker would miss them.',
    )
    .action((_options: unknown, command: Command) => list(command, io));
};
