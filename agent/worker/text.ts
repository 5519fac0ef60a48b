// Sequences that move a terminal's cursor or set its title: whole, so that their letters do not stay behind.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** One line of text from a program or a file, fit for messages and logs. */
export const oneLine = (text: string, most = 200): string => {
  const clean = text.replace(ESCAPES, '').replace(/\s+/g, ' ').replace(CONTROLS, '').trim();
  return clean.length <= most ? clean : `${clean.slice(0, most - 1)}…`;
};

/** What a program printed: line ends and tabs stay, the end stays where it is too long. */
export const output = (text: string, most: number): string => {
  const clean = text
    .replace(ESCAPES, '')
    .replace(/\r\n?/g, '\n')
    .replace(CONTROLS, (found) => (found === '\n' || found === '\t' ? found : ''));
  if (clean.length <= most) return clean;
  const note = `[${clean.length - most} characters left out]\n`;
  return note + clean.slice(clean.length - most);
};

/** The last line that says something. */
export const lastLine = (text: string, most = 200): string => oneLine(text.trimEnd().split('\n').at(-1) ?? '', most);
