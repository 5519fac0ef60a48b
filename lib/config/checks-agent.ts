import type { Fault } from '#shared/errors.ts';
import { type Raw, valueAt } from './raw.ts';

const idleWarning = (raw: Raw): Fault[] => {
  const [idle, warning] = [valueAt(raw, 'agent.idleMinutes'), valueAt(raw, 'agent.idleWarningMinutes')];
  if (typeof idle !== 'number' || typeof warning !== 'number' || idle === 0 || warning < idle) return [];
  return [
    {
      field: 'agent.idleWarningMinutes',
      what: 'not less than agent.idleMinutes',
      got: `${warning} with agent.idleMinutes ${idle}`,
      allowed: `less than ${idle}`,
    },
  ];
};

/** Faults between fields of the agents. */
export const AGENT_CHECKS = [idleWarning];
