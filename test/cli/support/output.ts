import type { Output } from '../../../cli/render/output.ts';

/** Keeps what is written; a plain pipe unless told otherwise. */
export const recordedOutput = (overrides: Partial<Output> = {}): Output & { text(): string; clear(): void } => {
  let written = '';
  return {
    write: (text) => {
      written += text;
    },
    isTerminal: false,
    columns: 100,
    rows: 40,
    colour: false,
    ...overrides,
    text: () => written,
    clear: () => {
      written = '';
    },
  };
};
