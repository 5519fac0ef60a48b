import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Context } from 'hono';
import { type Log, reasonOf } from '../../shared/log.ts';
import { problem } from './problem.ts';

/** Shorter ones can be guessed. */
const LEAST_CHARACTERS = 16;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Looks at every token whatever the first comparison said, and at digests, whose length tells nothing. */
const isOneOf = (given: string, tokens: readonly string[]): boolean =>
  tokens.reduce((found, token) => timingSafeEqual(digest(given), digest(token)) || found, false);

/** The door before commands: says what is wrong with a request, or undefined. */
export type Bearer = (context: Context) => { readonly reason: string; readonly answer: Response } | undefined;

const readTokens = (file: string, log: Log): readonly string[] => {
  try {
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim());
    const given = lines.filter((line) => line !== '' && !line.startsWith('#'));
    const usable = given.filter((line) => line.length >= LEAST_CHARACTERS);
    if (usable.length < given.length) log('error', 'command token too short', { leastCharacters: LEAST_CHARACTERS });
    return usable;
  } catch (error) {
    log('error', 'command tokens unreadable', { reason: reasonOf(error) });
    return [];
  }
};

/** Reads the file at each command: commands are rare, and a token that is taken away must not live on. */
export const bearerFrom = (file: string | undefined, log: Log): Bearer => {
  return (context) => {
    const tokens = file === undefined ? [] : readTokens(file, log);
    if (tokens.length === 0) {
      const reason =
        file === undefined ? 'no command token is set' : 'the file of command tokens holds no usable token';
      const remedy = `put a token of at least ${LEAST_CHARACTERS} characters into a file and name it in COMMAND_TOKEN_FILE`;
      return { reason, answer: problem(context, 403, reason, remedy) };
    }
    const [, given] = /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (given !== undefined && isOneOf(given, tokens)) return undefined;
    const reason = given === undefined ? 'the request carries no bearer token' : 'the token is not valid';
    const answer = problem(
      context,
      401,
      reason,
      'send "Authorization: Bearer <token>" with a token of COMMAND_TOKEN_FILE',
      {
        'www-authenticate': 'Bearer realm="carrierarr"',
      },
    );
    return { reason, answer };
  };
};
