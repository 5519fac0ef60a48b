import type { ColdStart, ColdStartStage, Role } from '#contract';
import type { Log } from '../shared/logging.ts';

/**
 * The stages that become metrics, four for each of two roles: an account has ten metrics of its own for nothing. The
 * others stand beside them in the same line of the log.
 */
const METRICS: Partial<Record<ColdStartStage, string>> = {
  instanceStart: 'InstanceStart',
  configAndSecrets: 'ConfigAndSecrets',
  boot: 'Boot',
  inService: 'InService',
};

/** Tells of one cold start. */
export type TellColdStart = (role: Role, coldStart: ColdStart) => void;

interface Teller {
  readonly log: Pick<Log, 'info'>;
  readonly now: () => Date;
  readonly settings: { readonly fleet: string; readonly coldStartMetrics: boolean };
}

/**
 * One line of the log; CloudWatch Logs makes metrics of it by itself (embedded metric format), so there is neither a
 * call nor a permission.
 */
export const createColdStartTeller =
  ({ log, now, settings }: Teller): TellColdStart =>
  (role, { launchedAt, stages }) => {
    const values = Object.entries(METRICS).flatMap(([stage, name]) => {
      const seconds = stages[stage as ColdStartStage];
      return seconds === undefined ? [] : [{ name, seconds }];
    });
    const facts = { Role: role, launchedAt, stages };
    if (!settings.coldStartMetrics || values.length === 0) {
      log.info('cold start', facts);
      return;
    }
    log.info('cold start', {
      ...facts,
      ...Object.fromEntries(values.map(({ name, seconds }) => [name, seconds])),
      _aws: {
        Timestamp: now().getTime(),
        CloudWatchMetrics: [
          {
            Namespace: `Carrierarr/${settings.fleet}`,
            Dimensions: [['Role']],
            Metrics: values.map(({ name }) => ({ Name: name, Unit: 'Seconds' })),
          },
        ],
      },
    });
  };
