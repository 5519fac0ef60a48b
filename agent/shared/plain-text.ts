const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text that others chose, without what would move a terminal's cursor, end a line or turn the writing round. */
export const plainText = (text: string): string => text.replace(CONTROLS, '');
