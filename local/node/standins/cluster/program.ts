import { setTimeout as sleep } from 'node:timers/promises';
import { hasKnob, readKnob } from './place.ts';

/** Ends the program with this code after everything is printed. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;
  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

const obeyKnobs = async (name: string): Promise<number | undefined> => {
  const failure = readKnob(`${name}.fail`);
  if (failure !== undefined) {
    process.stderr.write(failure);
    return 1;
  }
  const code = readKnob(`${name}.exit`);
  if (code !== undefined) return Number(code);
  while (hasKnob(`${name}.hang`)) await sleep(250);
  return undefined;
};

const flush = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });

/**
 * The frame of a stand-in: obeys `/run/standins/<name>[.<verb>].{fail,exit,hang}`, runs `main` and ends with its code.
 * Messages of {@link Exit} go to standard error.
 * @param verbOf what the arguments ask for, blanks as dashes; undefined for no verb
 */
export const runProgram = async (
  name: string,
  verbOf: (argv: readonly string[]) => string | undefined,
  main: (argv: readonly string[]) => Promise<number>,
): Promise<void> => {
  const argv = process.argv.slice(2);
  // A reader that leaves early is no fault of ours.
  process.stdout.on('error', () => process.exit(141));
  const verb = verbOf(argv);
  let code = (await obeyKnobs(name)) ?? (verb === undefined ? undefined : await obeyKnobs(`${name}.${verb}`));
  try {
    code ??= await main(argv);
  } catch (error) {
    code = error instanceof Exit ? error.code : 1;
    const text = error instanceof Error ? error.message : String(error);
    if (text !== '') process.stderr.write(`${text}\n`);
  }
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  process.exit(code);
};

/** JSON as it is printed: in colour where `/run/standins/colour` asks for it, as a shell's alias might. */
export const printJson = (value: unknown): void => {
  const text = JSON.stringify(value, null, 4);
  process.stdout.write(`${hasKnob('colour') ? paint(text) : text}\n`);
};

export const paint = (json: string): string =>
  json.replace(/("(?:[^"\\]|\\.)*")(\s*:)?/g, (_all, text: string, colon: string | undefined) =>
    colon === undefined ? `\u001B[0;32m${text}\u001B[0m` : `\u001B[34;1m${text}\u001B[0m${colon}`,
  );

/** Standard input to its end. */
export const readInput = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};
