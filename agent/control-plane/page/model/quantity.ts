const MIB_PER_GIB = 1024;
const GIGABYTE = 1e9;

/** `11.2 GiB`, `512 MiB`. */
export const formatMebibytes = (mebibytes: number): string =>
  mebibytes < MIB_PER_GIB
    ? `${Math.round(mebibytes)} MiB`
    : `${(mebibytes / MIB_PER_GIB).toFixed(mebibytes < 100 * MIB_PER_GIB ? 1 : 0)} GiB`;

/** `9.6 of 15.0 GiB`: one unit where both have it. */
export const formatShareOf = (used: number, total: number): string => {
  const [usedText, totalText] = [formatMebibytes(used), formatMebibytes(total)];
  const unit = totalText.slice(-4);
  return `${usedText.endsWith(unit) ? usedText.slice(0, -4) : usedText} of ${totalText}`;
};

/** Sizes of models as Ollama writes them: `4.7 GB`. */
export const formatBytes = (bytes: number): string =>
  bytes < GIGABYTE ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / GIGABYTE).toFixed(1)} GB`;

/** Share of a whole, 0 to 1; 0 where there is no whole. */
export const shareOf = (part: number, whole: number): number =>
  whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;

export const formatPercent = (share: number): string => `${Math.round(share * 100)} %`;

/** `1 node`, `2 nodes`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
