import type { OperationInput, OperationOutput, WorkerRow } from '#contract';
import { type Instance, LIVE_STATES } from '#shared/aws/ec2-port.ts';
import type { SecretFacts } from '#shared/aws/secret-tags.ts';
import { type Candidate, confirmFinding, type Finding, type Sweep } from './confirm-finding.ts';
import { findStrayInstances, findStraySecrets } from './find-orphans.ts';
import { judgeWorker } from './find-stuck-workers.ts';
import type { SweepPorts } from './ports.ts';
import { fleetInstances } from './select-instances.ts';

/** A list that could not be had is a finding of its own; the rest of the sweep goes on without it. */
const list = async <T>(
  { log }: Pick<SweepPorts, 'log'>,
  kind: Finding['kind'],
  run: () => Promise<T[]>,
  findings: Finding[],
): Promise<T[] | undefined> => {
  try {
    return await run();
  } catch (error) {
    log.error('one list of the sweep failed', error as Error);
    findings.push({ kind, id: '*', worker: '', reason: 'could not be listed', action: 'none', error: String(error) });
    return undefined;
  }
};

const sweepWorkers = async (
  ports: SweepPorts,
  rows: readonly WorkerRow[],
  instances: readonly Instance[] | undefined,
  sweep: Sweep,
): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const row of rows) {
    try {
      const candidate = await judgeWorker(ports, row, instances);
      if (candidate) findings.push(await confirmFinding(ports, candidate, sweep));
    } catch (error) {
      const reason = 'could not be judged';
      findings.push({ kind: 'worker', id: row.name, worker: row.name, reason, action: 'none', error: String(error) });
    }
  }
  return findings;
};

const sweepOrphans = async (
  ports: SweepPorts,
  rows: ReadonlyMap<string, WorkerRow>,
  instances: readonly Instance[],
  secrets: readonly SecretFacts[],
  sweep: Sweep,
): Promise<Finding[]> => {
  const candidates: Candidate[] = [
    ...findStrayInstances(ports, instances, rows),
    ...findStraySecrets(ports, secrets, instances, rows),
  ];
  const findings: Finding[] = [];
  for (const candidate of candidates) findings.push(await confirmFinding(ports, candidate, sweep));
  return findings;
};

/**
 * The net under everything else: compares what exists with what the registry knows, and takes away what nobody owns,
 * after two looks and not before a minimum age; starts the teardown of workers nobody works on. Items are independent.
 * A dry run writes nothing at all.
 */
export const sweepFleet = async (
  ports: SweepPorts,
  { dryRun }: OperationInput<'sweep', 'sweep'>,
): Promise<OperationOutput<'sweep', 'sweep'>> => {
  const { ec2, secrets, registry, clock, log, settings } = ports;
  const sweep = { dryRun, startedAt: clock.now() };
  const findings: Finding[] = [];
  // The cloud before the registry: a worker that begins in between is known to the registry, not the other way round.
  const instances = await list(ports, 'instance', () => fleetInstances(ec2, settings.fleet, LIVE_STATES), findings);
  const found = await list(ports, 'secret', () => secrets.ofFleet(settings.fleet), findings);
  const rows = await registry.list();
  const byName = new Map(rows.map((row) => [row.name, row]));
  // Without the instances nobody can say which secrets are kept for one of them.
  const strays = instances === undefined ? [] : (found ?? []);
  findings.push(...(await sweepOrphans(ports, byName, instances ?? [], strays, sweep)));
  findings.push(...(await sweepWorkers(ports, rows, instances, sweep)));
  log.info('sweep done', { dryRun, findings });
  return { dryRun, findings };
};
