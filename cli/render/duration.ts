const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const pad = (value: number): string => String(value).padStart(2, '0');

/** Time a phase took, in milliseconds: `0.4s`, `12.3s`, `2m 05s`, `1h 02m`. Negative times (clock skew) show as zero. */
export const formatElapsed = (milliseconds: number): string => {
  const elapsed = Math.max(0, milliseconds);
  // 59.96 s would round to "60.0s".
  if (elapsed < MINUTE - 50) return `${(elapsed / SECOND).toFixed(1)}s`;
  const seconds = Math.round(elapsed / SECOND);
  if (elapsed < HOUR) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  return `${Math.floor(elapsed / HOUR)}h ${pad(Math.floor((elapsed % HOUR) / MINUTE))}m`;
};

/** Coarse length of time in milliseconds, for ages and remaining lives: `45s`, `12m`, `3h`, `3h 20m`, `6d 4h`. */
export const formatAge = (milliseconds: number): string => {
  const age = Math.max(0, milliseconds);
  if (age < MINUTE) return `${Math.floor(age / SECOND)}s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)}m`;
  const [unit, part, large, small] = age < DAY ? [HOUR, MINUTE, 'h', 'm'] : [DAY, HOUR, 'd', 'h'];
  const rest = Math.floor((age % unit) / part);
  return `${Math.floor(age / unit)}${large}${rest === 0 ? '' : ` ${rest}${small}`}`;
};

/** What is left until an instant: `in 6d 4h`, or `expired 2h ago`. */
export const formatRemaining = (instant: Date, now: Date): string => {
  const left = instant.getTime() - now.getTime();
  return left >= 0 ? `in ${formatAge(left)}` : `expired ${formatAge(-left)} ago`;
};
