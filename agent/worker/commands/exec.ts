import * as z from 'zod/mini';
import { textLike, withArguments } from './arguments.ts';
import { DENIED, type Handler, ofProgram, refused, TIMED_OUT } from './outcome.ts';

const LIMIT_MS = 300_000;
const MOST_WORDS = 64;
const MOST_LENGTH = 4096;

const words = z.array(z.string()).check(z.minLength(1), z.maxLength(MOST_WORDS));
const parseWords = (argv: string): string[] | undefined => {
  try {
    return words.parse(JSON.parse(argv));
  } catch {
    return undefined;
  }
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const text = textLike(/^[^\u0000-\u001f\u007f]*$/, MOST_LENGTH, 'must have no control characters');

/**
 * Runs a program without a shell: `cmd` is cut at blanks, as the known agent does it, and quotes mean nothing; `argv`
 * is a JSON array of words. Off unless the node was started with WORKER_AGENT_EXEC=on, which no control plane changes.
 */
export const exec: Handler = async (tools, order) =>
  tools.settings.exec
    ? run(tools, order)
    : refused('EXEC is off on this node (WORKER_AGENT_EXEC=on switches it on)', DENIED);

const run: Handler = withArguments(
  z.strictObject({ cmd: z.optional(text), argv: z.optional(text) }),
  async ({ system }, { cmd, argv }, { timeoutSeconds, signal }) => {
    if ((cmd === undefined) === (argv === undefined)) return refused('give either cmd or argv');
    const program = argv === undefined ? cmd?.split(' ').filter((word) => word !== '') : parseWords(argv);
    if (program === undefined) return refused(`argv: must be a JSON array of 1 to ${MOST_WORDS} words`);
    if (program[0] === undefined || program[0] === '' || program.length > MOST_WORDS) {
      return refused(`there must be 1 to ${MOST_WORDS} words, the first of them a program`);
    }
    const timeoutMs = timeoutSeconds > 0 ? Math.min(LIMIT_MS, timeoutSeconds * 1000) : LIMIT_MS;
    const ran = await system.run(program, { timeoutMs, signal });
    const outcome = ofProgram(ran, program[0]);
    return ran.code === TIMED_OUT ? { ...outcome, error: `the time was over after ${timeoutMs / 1000} s` } : outcome;
  },
);
