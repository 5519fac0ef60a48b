import { COMMON_PARAMETERS, HOMELAB_STEPS, type HomelabStepName, STEPS, type StepName } from '#contract';
import type { NodeCommand } from '../host.ts';
import { anyStep, PLAYS, type Scene } from './plays.ts';

const ALL = { ...STEPS, ...HOMELAB_STEPS };

const isStepName = (name: string): name is StepName | HomelabStepName => Object.hasOwn(PLAYS, name);

const ownParameters = (command: NodeCommand): string[] =>
  Object.keys(command.environment)
    .filter((key) => key.startsWith('SSM_'))
    .map((key) => key.slice('SSM_'.length))
    .filter((name) => !Object.hasOwn(COMMON_PARAMETERS, name))
    .sort();

/** The step a command stands for: as named by the sender, else the one whose parameters it carries. */
export const stepOf = (command: NodeCommand): string | undefined => {
  if (command.step !== undefined) return command.step;
  const given = ownParameters(command).join();
  const names = Object.keys(ALL).filter(isStepName);
  return names.find((name) => Object.keys(ALL[name].parameters).sort().join() === given);
};

export interface PlayedStep {
  readonly rc: number;
  /** The line a script prints at its end. */
  readonly line: string;
}

/** Plays the end of a step; one it does not know succeeds once the boot has. */
export const playStep = async (command: NodeCommand, scene: Omit<Scene, 'parameter'>): Promise<PlayedStep> => {
  const step = stepOf(command);
  const play = step !== undefined && isStepName(step) ? PLAYS[step] : anyStep;
  const parameter = (name: string): string => command.environment[`SSM_${name}`] ?? '';
  const { rc, tail, details } = await play({ ...scene, parameter });
  const reason = rc === 0 ? {} : { reason: tail };
  return {
    rc,
    line: JSON.stringify({ ...details, step: step ?? 'unknown', ok: rc === 0, rc, ...reason, tail, played: true }),
  };
};
