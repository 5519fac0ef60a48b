import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { WorkerView } from '#contract';
import { type Agents, agentOf, askControlPlane } from '../doors/control-plane.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { agentColumns, agentFields, type Reported } from '../render/agents.ts';
import { type Column, renderTable } from '../render/table.ts';
import { fleetColumns, workerDetails } from '../render/workers.ts';
import { readWorkerNames } from '../worker-name.ts';

interface StatusOptions {
  readonly watch?: boolean;
  readonly all?: boolean;
  readonly controlPlane?: string;
}

/** What was asked for, and where. */
interface View {
  readonly fleet: Fleet;
  readonly name: string | undefined;
  readonly all: boolean;
  readonly json: boolean;
  /** Undefined: nobody has said where the control plane is, and nothing is shown of agents. */
  readonly controlPlane: string | undefined;
}

interface Look {
  readonly workers: readonly WorkerView[];
  readonly agents: Agents | undefined;
}

const WATCH_FACTOR = 2;
const CLEAR = '\x1b[H\x1b[J';

const byName = (one: WorkerView, other: WorkerView): number => one.name.localeCompare(other.name);

const look = async ({ fleet, name, all, controlPlane }: View): Promise<Look> => {
  if (name !== undefined) {
    const worker = await fleet.api.worker(name);
    return { workers: [worker], agents: controlPlane ? await askControlPlane(controlPlane, worker) : undefined };
  }
  const [workers, agents] = await Promise.all([
    fleet.api.workers(all),
    controlPlane ? askControlPlane(controlPlane) : undefined,
  ]);
  return { workers: workers.toSorted(byName), agents };
};

const reportedOf = ({ workers, agents }: Look): Reported[] =>
  workers.map((worker) => ({
    worker,
    agent: worker.phase === 'REMOVED' ? undefined : agentOf(agents?.nodes ?? [], worker),
  }));

const asJson = (seen: Look, { name }: View): string => {
  const { agents } = seen;
  if (agents === undefined) return JSON.stringify(name === undefined ? { workers: seen.workers } : seen.workers[0]);
  const workers = reportedOf(seen).map(({ worker, agent }) => ({ ...worker, agent: agent ?? null }));
  const controlPlane = { url: agents.url, answered: agents.silence === undefined, silence: agents.silence ?? null };
  return JSON.stringify(name === undefined ? { workers, controlPlane } : { ...workers[0], controlPlane });
};

const table = (seen: Look, io: Io): string => {
  const now = io.now();
  const columns = fleetColumns(now).map(({ value, style, ...column }): Column<Reported> => {
    const ofWorker = ({ worker }: Reported): string => value(worker);
    return style === undefined
      ? { ...column, value: ofWorker }
      : { ...column, value: ofWorker, style: ({ worker }) => style(worker) };
  });
  const asked = seen.agents !== undefined && seen.agents.silence === undefined;
  return renderTable(asked ? [...columns, ...agentColumns(now)] : columns, reportedOf(seen), io.out);
};

const details = (seen: Look, io: Io): string =>
  reportedOf(seen)
    .map(({ worker, agent }) => workerDetails(worker, io.out, io.now(), agent ? agentFields(agent, io.now()) : []))
    .join('');

const silenceOf = ({ agents }: Look): string =>
  agents?.silence === undefined ? '' : `The control plane at ${agents.url} says nothing of agents: ${agents.silence}\n`;

const picture = (seen: Look, view: View, io: Io): string => {
  if (view.json) return `${asJson(seen, view)}\n`;
  if (view.name !== undefined) return details(seen, io) + silenceOf(seen);
  if (seen.workers.length === 0) return 'There is no worker. Add one with: carrierarr provision\n';
  return table(seen, io) + silenceOf(seen);
};

/** What changes with every look, such as when an agent was last heard, is no news. */
const newsOf = (seen: Look): string =>
  JSON.stringify([
    seen.workers,
    seen.agents?.silence,
    seen.agents?.nodes.map(({ id, state, health, loaded_models }) => [id, state, health, loaded_models]),
  ]);

/** Redraws on a terminal; elsewhere writes again only when something changed. */
const watch = async (view: View, io: Io): Promise<never> => {
  const live = io.out.isTerminal && !view.json;
  let before = '';
  for (;;) {
    const seen = await look(view);
    const facts = newsOf(seen);
    if (live) io.out.write(CLEAR + picture(seen, view, io));
    else if (facts !== before) io.out.write(picture(seen, view, io));
    before = facts;
    await sleep(io.pollMilliseconds * WATCH_FACTOR, undefined, { signal: io.interruption.signal });
  }
};

/** Empty text stands for nothing: a way to ask for no agents where the environment names a control plane. */
const controlPlaneOf = (option: string | undefined, io: Io, fleet: Fleet): string | undefined => {
  const url = option ?? io.environment.CARRIERARR_CONTROL_PLANE_URL ?? fleet.outputs.find('controlPlaneUrl');
  return url === '' ? undefined : url;
};

export const registerStatus = (program: Command, io: Io): void => {
  program
    .command('status')
    .summary('show the fleet, or one worker')
    .description(
      'Shows every worker with its phase, address, instance and certificate; with a name, all about one. Where the ' +
        'control plane in the homelab can be asked, what the agents report as well.',
    )
    .argument('[name]', 'one worker')
    .option('-w, --watch', 'keep showing until interrupted')
    .option('-a, --all', 'removed workers as well (kept for 30 days)')
    .option(
      '--control-plane <url>',
      'where to ask for agents (default: CARRIERARR_CONTROL_PLANE_URL, homelab.controlPlane.url)',
    )
    .addHelpText('after', '\nExamples:\n  $ carrierarr status --watch\n  $ carrierarr status gpu-worker-001 --json')
    .action(async (name: string | undefined, options: StatusOptions, command: Command) => {
      await readWorkerNames(name === undefined ? [] : [name]);
      const fleet = await openFleet(command, io);
      const controlPlane = controlPlaneOf(options.controlPlane, io, fleet);
      const view: View = { fleet, name, all: options.all === true, json: wantsJson(command), controlPlane };
      if (options.watch === true) await watch(view, io);
      io.out.write(picture(await look(view), view, io));
    });
};
