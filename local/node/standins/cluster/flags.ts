/** What a command of a program takes. */
export interface FlagSpec {
  /** Flags without a value, or with `=true` and `=false`. */
  readonly switches?: readonly string[];
  /** Flags with a value; given again, the last counts (or all, for those who ask for all). */
  readonly values?: readonly string[];
  /** Letters: `{ n: 'namespace' }`. */
  readonly short?: Readonly<Record<string, string>>;
}

/** A flag the real program does not have, worded as cobra does. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

export class Flags {
  readonly positional: readonly string[];
  readonly #given: ReadonlyMap<string, readonly string[]>;

  constructor(positional: readonly string[], given: ReadonlyMap<string, readonly string[]>) {
    this.positional = positional;
    this.#given = given;
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  /** Whether a switch is on. */
  on(name: string): boolean {
    return this.#given.has(name) && this.get(name) !== 'false';
  }

  get(name: string): string | undefined {
    return this.#given.get(name)?.at(-1);
  }

  all(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }
}

interface Word {
  readonly shown: string;
  readonly name: string;
  readonly value: string | undefined;
}

const longWord = (word: string): Word => {
  const [name = '', ...value] = word.slice(2).split('=');
  return { shown: `flag: --${name}`, name, value: value.length === 0 ? undefined : value.join('=') };
};

const shortWord = (word: string, short: Readonly<Record<string, string>>): Word => {
  const letter = word.charAt(1);
  const rest = word.slice(2).replace(/^=/, '');
  const shown = `shorthand flag: '${letter}' in ${word}`;
  return { shown, name: short[letter] ?? '', value: rest === '' ? undefined : rest };
};

const wordOf = (word: string, short: Readonly<Record<string, string>>): Word =>
  word.startsWith('--') ? longWord(word) : shortWord(word, short);

/** The value of a flag: after its `=`, else the next argument, except for switches. */
const valueFor = ({ shown, name, value }: Word, spec: FlagSpec, queue: string[]): string => {
  if (spec.switches?.includes(name)) return value ?? 'true';
  if (!spec.values?.includes(name)) throw new FlagError(`unknown ${shown}`);
  const next = value ?? queue.shift();
  if (next === undefined) throw new FlagError(`flag needs an argument: ${shown.replace(/^flag: /, '')}`);
  return next;
};

/**
 * Takes arguments apart as cobra does.
 * @throws FlagError for flags that the command does not have
 */
export const parseFlags = (argv: readonly string[], spec: FlagSpec): Flags => {
  const given = new Map<string, string[]>();
  const positional: string[] = [];
  const queue = [...argv];
  for (let argument = queue.shift(); argument !== undefined; argument = queue.shift()) {
    if (argument === '--') positional.push(...queue.splice(0));
    else if (!argument.startsWith('-') || argument === '-') positional.push(argument);
    else {
      const word = wordOf(argument, spec.short ?? {});
      given.set(word.name, [...(given.get(word.name) ?? []), valueFor(word, spec, queue)]);
    }
  }
  return new Flags(positional, given);
};

/** The words of the command itself, in front of and between flags that every command has. */
export const commandWords = (argv: readonly string[], spec: FlagSpec): string[] => {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (!argument.startsWith('-')) words.push(argument);
    else {
      const { name, value } = wordOf(argument, spec.short ?? {});
      if (value === undefined && spec.values?.includes(name)) index += 1;
    }
  }
  return words;
};
