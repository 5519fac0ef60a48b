import { IMAGES, Image, ROLES, Role } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

const refuse = (what: string, got: string, allowed: readonly string[], remedy = 'correct the name'): CommandError =>
  new CommandError(EXIT.usage, { what, got, allowed: allowed.join(', '), remedy });

/** @throws CommandError (usage) */
export const readImage = (text: string): Image => {
  const { data } = Image.safeParse(text);
  if (data === undefined) throw refuse('there is no such image', text, IMAGES);
  return data;
};

/** @throws CommandError (usage) */
export const readRole = (text: string): Role => {
  const { data } = Role.safeParse(text);
  if (data === undefined) throw refuse('workers have no such role', text, ROLES);
  return data;
};

/** @throws CommandError (usage) */
export const readImageId = (text: string): string => {
  if (/^ami-[0-9a-f]{8,17}$/.test(text)) return text;
  throw refuse('this is no id of an image', text, ['ami- and 8 to 17 hexadecimal digits'], 'correct the id');
};
