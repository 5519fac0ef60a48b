const ESCAPE = String.fromCharCode(0x1b);
const BELL = String.fromCharCode(0x07);

const SEQUENCES = new RegExp(
  [
    `${ESCAPE}\\[[0-?]*[ -/]*[@-~]`,
    `${ESCAPE}[\\]PX^_][^${BELL}${ESCAPE}]*(?:${BELL}|${ESCAPE}\\\\)?`,
    `${ESCAPE}[ -/]*[0-~]?`,
  ].join('|'),
  'g',
);

/** C0 except tab and newline, delete, and C1. */
const isControl = (code: number): boolean =>
  (code < 0x20 && code !== 0x09 && code !== 0x0a) || (code >= 0x7f && code <= 0x9f);

/** Removes terminal control sequences and control characters: what a node prints ends up on somebody's terminal. */
export const stripControl = (text: string): string =>
  [...text.replaceAll(SEQUENCES, '').replaceAll('\r', '\n')]
    .filter((character) => !isControl(character.codePointAt(0) ?? 0))
    .join('');
