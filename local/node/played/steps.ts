import { COMMON_PARAMETERS, STEPS, type StepName } from '#contract';
import type { NodeCommand } from '../host.ts';
import type { BootVerdict } from './boot.ts';

/** How a played step ends: its exit code and what it says, which a real script would have found out. */
interface Outcome {
  readonly rc: number;
  readonly tail: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

type Play = (verdict: BootVerdict | undefined, parameter: (name: string) => string) => Outcome;

const isStepName = (name: string): name is StepName => Object.hasOwn(STEPS, name);

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
  const names = Object.keys(STEPS).filter(isStepName);
  return names.find((name) => Object.keys(STEPS[name].parameters).sort().join() === given);
};

const afterBoot =
  (play: (booted: Extract<BootVerdict, { outcome: 'done' }>, parameter: (name: string) => string) => Outcome): Play =>
  (verdict, parameter) => {
    if (verdict?.outcome === 'done') return play(verdict, parameter);
    return { rc: 1, tail: verdict === undefined ? 'the boot has not ended' : `boot failed: ${verdict.reason}` };
  };

const PLAYS: Readonly<Record<StepName, Play>> = {
  'await-boot': afterBoot(() => ({ rc: 0, tail: 'boot done', details: { boot: 'done', timeline: [] } })),
  'verify-nebula': afterBoot(({ identity }, parameter) =>
    identity.nebula_ip === parameter('NebulaIp')
      ? { rc: 0, tail: `nebula0 has ${identity.nebula_ip}; ${parameter('LighthouseIp')} answers` }
      : { rc: 1, tail: `nebula0 has ${identity.nebula_ip}, expected ${parameter('NebulaIp')}` },
  ),
  'node-status': (verdict) => ({
    rc: 0,
    tail: '',
    details: {
      boot: verdict?.outcome ?? 'pending',
      bootReason: verdict?.outcome === 'failed' ? verdict.reason : '',
      timeline: [],
      meshAddress: verdict?.outcome === 'done' ? verdict.identity.nebula_ip : '',
      services: {},
      certificate: null,
    },
  }),
  'renew-certificate': afterBoot((_, parameter) => ({
    rc: 0,
    tail: '',
    details: { fingerprint: parameter('Fingerprint') },
  })),
};

export interface PlayedStep {
  readonly rc: number;
  /** The line a script prints at its end. */
  readonly line: string;
}

/** Plays the end of a step; one it does not know succeeds once the boot has. */
export const playStep = (command: NodeCommand, verdict: BootVerdict | undefined): PlayedStep => {
  const step = stepOf(command);
  const play = step !== undefined && isStepName(step) ? PLAYS[step] : afterBoot(() => ({ rc: 0, tail: '' }));
  const { rc, tail, details } = play(verdict, (name) => command.environment[`SSM_${name}`] ?? '');
  const reason = rc === 0 ? {} : { reason: tail };
  return {
    rc,
    line: JSON.stringify({ ...details, step: step ?? 'unknown', ok: rc === 0, rc, ...reason, tail, played: true }),
  };
};
