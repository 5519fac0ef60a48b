import { formatAge } from '../../../../cli/render/duration.ts';
import type { InterruptionView, NodeView } from '../../views.ts';

const SECOND = 1000;

/** Seconds since the machine started: it goes on counting between two reports while the node is heard of. */
export const uptimeOf = ({ state, status }: Pick<NodeView, 'state' | 'status'>, now: number): number | undefined => {
  if (status === undefined) return undefined;
  const reported = status.timestamp === null ? Number.NaN : Date.parse(status.timestamp);
  const since = state === 'online' && !Number.isNaN(reported) ? Math.max(0, now - reported) / SECOND : 0;
  return status.uptime_seconds + since;
};

export const formatUptime = (node: Pick<NodeView, 'state' | 'status'>, now: number): string => {
  const uptime = uptimeOf(node, now);
  return uptime === undefined ? 'uptime unknown' : `up ${formatAge(uptime * SECOND)}`;
};

/** Less than a minute is work with a pause in it. */
export const formatIdle = ({ idle_seconds: idle, busy_with: busyWith }: NodeView): string => {
  if (busyWith !== '') return `busy: ${busyWith}`;
  if (idle === undefined) return 'idle unknown';
  return idle < 60 ? 'busy' : `idle ${formatAge(idle * SECOND)}`;
};

/** `just now`, `12s ago`: a clock of the browser that is behind shows nothing below zero. */
export const formatAgo = (instant: string, now: number): string => {
  const age = now - Date.parse(instant);
  if (Number.isNaN(age)) return 'never';
  return age < 2 * SECOND ? 'just now' : `${formatAge(age)} ago`;
};

/** `terminate in 1m 32s`: to the second, since it is about seconds. */
export const formatInterruption = ({ action, time }: InterruptionView, now: number): string => {
  const what = action || 'interruption';
  const at = time === null ? Number.NaN : Date.parse(time);
  if (Number.isNaN(at)) return `${what} soon`;
  const left = Math.round((at - now) / SECOND);
  if (left <= 0) return `${what} is due`;
  return `${what} in ${left < 60 ? `${left}s` : `${Math.floor(left / 60)}m ${String(left % 60).padStart(2, '0')}s`}`;
};
