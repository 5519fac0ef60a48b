import type { Command } from 'commander';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import { followAll } from '../follow.ts';
import type { Io } from '../io.ts';
import type { ExecutionProgress } from '../progress/fold-history.ts';
import { failureOf } from '../render/outcome.ts';
import { renderTable } from '../render/table.ts';

/** Executions of the sweep and renew machines need names of their own: a used one is blocked for 90 days. */
export const manualExecutionName = (prefix: string, now: Date): string => `${prefix}-${now.getTime().toString(36)}`;

const findingsOf = async ({ output, phases }: ExecutionProgress) => {
  const { OPERATIONS } = await import('#contract');
  // The machine may end in the function's answer or wrap it; the last task's own answer is there in both cases.
  const answers = [output, ...phases.flatMap(({ outputs }) => outputs).toReversed()];
  for (const answer of answers) {
    const parsed = OPERATIONS.sweep.sweep.output.safeParse(answer);
    if (parsed.success) return parsed.data.findings;
  }
  return [];
};

const findingsText = (findings: Awaited<ReturnType<typeof findingsOf>>, io: Io): string => {
  if (findings.length === 0)
    return 'Nothing is left over: every instance and secret of the fleet belongs to a worker.\n';
  const columns = (['kind', 'id', 'worker', 'reason', 'action', 'error'] as const).map((key) => ({
    title: key.toUpperCase(),
    value: (finding: (typeof findings)[number]) => finding[key],
  }));
  return renderTable(columns, findings, io.out);
};

const sweep = async (fleet: Fleet, dryRun: boolean, json: boolean, io: Io): Promise<void> => {
  const { startExecution } = await import('../doors/executions.ts');
  const name = manualExecutionName('by-hand', io.now());
  const execution = await startExecution(fleet.sfn, fleet.outputs.get('sweepStateMachine'), name, { dryRun });
  io.interruption.notice = 'the sweep goes on by itself.';
  const [ended] = await followAll([{ subject: 'sweep', execution }], fleet, io, json);
  if (ended === undefined) return;
  const findings = await findingsOf(ended.progress);
  if (json) io.out.write(`${JSON.stringify({ event: 'result', status: ended.progress.status, dryRun, findings })}\n`);
  else io.out.write(findingsText(findings, io));
  // It also fails when something could not be taken away: then the table says what.
  if (ended.progress.status !== 'SUCCEEDED') throw failureOf('sweep', ended.progress, 'the');
};

export const registerSweep = (program: Command, io: Io): void => {
  program
    .command('sweep')
    .summary('look for what no worker owns, and remove it')
    .description(
      'Runs the sweeper now (it runs every 15 minutes by itself): instances and secrets of the fleet that no worker\n' +
        'owns, and workers that got stuck. Something unknown is removed at the second look only.',
    )
    .option('--dry-run', 'only look')
    .action(async (options: { dryRun?: boolean }, command: Command) => {
      await sweep(await openFleet(command, io), options.dryRun === true, wantsJson(command), io);
    });
};
