import * as z from 'zod/mini';
import type { System } from '../ports.ts';
import { parseLoaded } from '../report/models.ts';
import { ollamaAt } from '../report/ollama-probe.ts';
import { meshAddress } from '../report/registration.ts';
import { oneLine } from '../text.ts';
import { modelName, withArguments } from './arguments.ts';
import { done, failed, type Handler, refused } from './outcome.ts';

const ASK_MS = 5000;
const UNLOAD_MS = 30_000;

// Without a tag a name means `latest`; a colon before a slash belongs to a registry's port.
const withTag = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`);

const unload = async (
  system: System,
  base: string,
  model: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const answer = await system.ask(`${base}/api/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, keep_alive: 0, stream: false }),
    timeoutMs: UNLOAD_MS,
    signal,
  });
  if (answer?.status === 200) return undefined;
  return `${oneLine(model)}: ${answer === undefined ? 'no answer' : `${answer.status} ${oneLine(answer.text)}`}`;
};

/**
 * Has Ollama give a model's memory back: without an argument that of all. The known agent restarts Ollama for it, which
 * ends everybody's requests; a model without prompt and with `keep_alive` 0 goes when its last request is through.
 */
export const unloadModel: Handler = withArguments(
  z.strictObject({ model: z.optional(modelName) }),
  async ({ settings, system }, { model }, { signal }) => {
    const address = meshAddress(settings, system);
    if (address === '') return refused('the mesh has no address, and Ollama listens on no other');
    const base = ollamaAt(address);
    const answer = await system.ask(`${base}/api/ps`, { timeoutMs: ASK_MS, signal });
    const loaded = answer?.status === 200 ? parseLoaded(answer.text) : undefined;
    if (loaded === undefined) return failed(`no answer from Ollama at ${address}`);
    const going = loaded.filter((name) => model === undefined || withTag(name) === withTag(model));
    const faults: string[] = [];
    for (const each of going)
      faults.push(...[await unload(system, base, each, signal)].filter((fault) => fault !== undefined));
    if (faults.length > 0) return failed(`not unloaded: ${faults.join('; ')}`);
    return done(
      going.length === 0 ? 'nothing was loaded' : `unloaded: ${going.map((name) => oneLine(name)).join(', ')}`,
    );
  },
);
