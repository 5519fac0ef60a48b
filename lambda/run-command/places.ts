import { HOMELAB_STEPS, STEPS, type Step, type WorkerRow } from '#contract';
import type { Life, OwnedLife, Registry } from '../registry/port.ts';
import {
  type CarrierarrError,
  type ErrorFacts,
  HomelabOfflineError,
  StepUndeliverableError,
} from '../shared/errors.ts';

export interface OpenCommand {
  readonly commandId: string;
  readonly step: string;
  readonly instanceId: string;
}

/** One of the two places where steps run, and what sets it apart from the other. */
export interface Place {
  readonly steps: Readonly<Record<string, Step>>;
  /** `on gpu-worker-001`, for messages. */
  readonly where: (worker: string) => string;
  /** How to look further when a step's own remedy does not say. */
  readonly hint: (worker: string) => string;
  /** The error that says: its node cannot be reached. */
  readonly unreachable: (facts: Omit<ErrorFacts, 'remedy'>) => CarrierarrError;
  readonly open: (life: OwnedLife, command: OpenCommand) => Promise<void>;
  readonly openIn: (row: WorkerRow) => Pick<OpenCommand, 'commandId'> | undefined;
  readonly close: (life: Life, commandId: string) => Promise<void>;
}

/** The workers' own nodes. */
export const onWorkers = (registry: Pick<Registry, 'openCommand' | 'closeCommand'>): Place => ({
  steps: STEPS,
  where: (worker) => `on ${worker}`,
  hint: (worker) => `read what it did with carrierarr logs ${worker}`,
  unreachable: (facts) =>
    new StepUndeliverableError({
      ...facts,
      remedy: 'look whether the instance still runs, it may have been interrupted; provision again if it does not',
    }),
  open: (life, command) => registry.openCommand(life, command),
  openIn: (row) => row.openCommand,
  close: (life, commandId) => registry.closeCommand(life, commandId),
});

/** The homelab's node, where the homelab's cluster is reached from. */
export const inHomelab = (registry: Pick<Registry, 'openHomelabCommand' | 'closeHomelabCommand'>): Place => ({
  steps: HOMELAB_STEPS,
  where: (worker) => `in the homelab for ${worker}`,
  hint: () => 'read the logs of the step on the homelab node under /var/log/carrierarr',
  unreachable: (facts) =>
    new HomelabOfflineError({
      ...facts,
      remedy: 'look at the homelab node with carrierarr homelab status; activate it again if it is gone',
    }),
  open: (life, command) => registry.openHomelabCommand(life, command),
  openIn: (row) => row.openHomelabCommand,
  close: (life, commandId) => registry.closeHomelabCommand(life, commandId),
});
