import type { System } from '../ports.ts';
import { type Models, parseModels } from './models.ts';

const PORT = 11_434;
const LIMIT_MS = 2000;

/** Where Ollama listens: on the mesh address alone. */
export const ollamaAt = (address: string): string => `http://${address}:${PORT}`;

/** Ollama's models; undefined where it does not answer as Ollama does. */
export const askOllama = async (system: System, address: string): Promise<Models | undefined> => {
  const [tags, loaded] = await Promise.all(
    ['tags', 'ps'].map((path) => system.ask(`${ollamaAt(address)}/api/${path}`, { timeoutMs: LIMIT_MS })),
  );
  return tags?.status === 200 && loaded?.status === 200 ? parseModels(tags.text, loaded.text) : undefined;
};
