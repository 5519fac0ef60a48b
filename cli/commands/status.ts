import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { WorkerView } from '#contract';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { renderTable } from '../render/table.ts';
import { fleetColumns, workerDetails } from '../render/workers.ts';
import { readWorkerNames } from '../worker-name.ts';

interface StatusOptions {
  readonly watch?: boolean;
  readonly all?: boolean;
}

const WATCH_FACTOR = 2;
const CLEAR = '\x1b[H\x1b[J';

const byName = (one: WorkerView, other: WorkerView): number => one.name.localeCompare(other.name);

const look = async (fleet: Fleet, name: string | undefined, all: boolean): Promise<WorkerView[]> => {
  if (name !== undefined) return [await fleet.api.worker(name)];
  return (await fleet.api.workers(all)).toSorted(byName);
};

const picture = (workers: readonly WorkerView[], name: string | undefined, json: boolean, io: Io): string => {
  if (json) return `${JSON.stringify(name === undefined ? { workers } : workers[0])}\n`;
  if (name !== undefined) return workers.map((worker) => workerDetails(worker, io.out, io.now())).join('');
  if (workers.length === 0) return 'There is no worker. Add one with: carrierarr provision\n';
  return renderTable(fleetColumns(io.now()), workers, io.out);
};

/** Redraws on a terminal; elsewhere writes again only when something changed. */
const watch = async (fleet: Fleet, name: string | undefined, all: boolean, json: boolean, io: Io): Promise<never> => {
  const live = io.out.isTerminal && !json;
  let before = '';
  for (;;) {
    const workers = await look(fleet, name, all);
    const facts = JSON.stringify(workers);
    if (live) io.out.write(CLEAR + picture(workers, name, json, io));
    else if (facts !== before) io.out.write(picture(workers, name, json, io));
    before = facts;
    await sleep(io.pollMilliseconds * WATCH_FACTOR, undefined, { signal: io.interruption.signal });
  }
};

export const registerStatus = (program: Command, io: Io): void => {
  program
    .command('status')
    .summary('show the fleet, or one worker')
    .description('Shows every worker with its phase, address, instance and certificate; with a name, all about one.')
    .argument('[name]', 'one worker')
    .option('-w, --watch', 'keep showing until interrupted')
    .option('-a, --all', 'removed workers as well (kept for 30 days)')
    .addHelpText('after', '\nExamples:\n  $ carrierarr status --watch\n  $ carrierarr status gpu-worker-001 --json')
    .action(async (name: string | undefined, options: StatusOptions, command: Command) => {
      await readWorkerNames(name === undefined ? [] : [name]);
      const fleet = await openFleet(command, io);
      const json = wantsJson(command);
      const all = options.all === true;
      if (options.watch === true) await watch(fleet, name, all, json, io);
      io.out.write(picture(await look(fleet, name, all), name, json, io));
    });
};
