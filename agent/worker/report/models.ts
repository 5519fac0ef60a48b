import * as z from 'zod/mini';
import { oneLine } from '../text.ts';

// More than a node's disk holds; a message has its limit.
const MOST = 200;

// null where Ollama has none.
const listOf = <S extends z.ZodMiniType>(model: S) => z.object({ models: z.optional(z.nullable(z.array(model))) });
const tags = listOf(z.object({ name: z.string(), size: z.catch(z.number().check(z.nonnegative()), 0) }));
const loaded = listOf(z.object({ name: z.string(), expires_at: z.catch(z.string(), '') }));

export interface Model {
  readonly name: string;
  readonly sizeBytes: number;
  readonly loaded: boolean;
}

export interface Models {
  readonly models: readonly Model[];
  /** For each loaded model the instant at which Ollama would unload it: each request moves it. */
  readonly expiries: Readonly<Record<string, string>>;
}

const parse = <T>(schema: z.ZodMiniType<{ models?: T[] | null | undefined }>, text: string): T[] | undefined => {
  try {
    return schema.parse(JSON.parse(text)).models ?? [];
  } catch {
    return undefined;
  }
};

/** Names of the loaded models, from `/api/ps`. */
export const parseLoaded = (text: string): string[] | undefined => parse(loaded, text)?.map(({ name }) => name);

/** Joins Ollama's answers of `/api/tags` and `/api/ps`; undefined where one is no such answer. */
export const parseModels = (tagsText: string, loadedText: string): Models | undefined => {
  const all = parse(tags, tagsText);
  const now = parse(loaded, loadedText);
  if (all === undefined || now === undefined) return undefined;
  const running = new Set(now.map(({ name }) => name));
  return {
    models: all.slice(0, MOST).map(({ name, size }) => ({
      name: oneLine(name),
      sizeBytes: Math.floor(size),
      loaded: running.has(name),
    })),
    expiries: Object.fromEntries(now.slice(0, MOST).map((each) => [oneLine(each.name), each.expires_at])),
  };
};
