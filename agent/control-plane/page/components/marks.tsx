import type { Look } from '../model/words.ts';

/** A shape for each look, so that nobody needs to tell colours apart; the word stands beside it. */
const SHAPES: Readonly<Record<Look, string>> = {
  good: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z',
  warning: 'M8 2 14.5 13.5h-13z',
  bad: 'M5.3 2h5.4L14 5.3v5.4L10.7 14H5.3L2 10.7V5.3z',
  quiet: 'M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zm0 2a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z',
};

export const Mark = ({ look }: { readonly look: Look }) => (
  <svg class={`mark ${look}`} viewBox="0 0 16 16" aria-hidden="true">
    <path d={SHAPES[look]} fill-rule="evenodd" />
  </svg>
);

export const Badge = ({ look, children }: { readonly look: Look; readonly children: string }) => (
  <span class={`badge ${look}`}>{children}</span>
);

/** A bar for the eye; what it says stands beside it in words. */
export const Bar = ({ share, look = 'good' }: { readonly share: number; readonly look?: Look }) => (
  <span class={`bar ${look}`} aria-hidden="true">
    <span style={{ width: `${share * 100}%` }} />
  </span>
);
