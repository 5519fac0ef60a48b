import * as z from 'zod/mini';
import type { Clock } from '../ports.ts';
import { ollamaAt } from '../report/ollama-probe.ts';
import { meshAddress } from '../report/registration.ts';
import { oneLine } from '../text.ts';
import { modelName, withArguments } from './arguments.ts';
import { done, failed, type Handler, refused } from './outcome.ts';

const LIMIT_MS = 6 * 3600 * 1000;
const LOOK_MS = 15_000;
const STALL_MS = 120_000;

const progress = z.object({
  status: z.catch(z.string(), ''),
  error: z.optional(z.string()),
  total: z.optional(z.number()),
});

/** Follows the lines of a pull: how it stands, and whether it still moves. */
const createFollower = (clock: Clock) => {
  let status = '';
  let error: string | undefined;
  let bytes = 0;
  let heardAt = clock.monotonic();
  return {
    take: (line: string): void => {
      heardAt = clock.monotonic();
      try {
        const said = progress.parse(JSON.parse(line));
        error = said.error ?? error;
        status = said.status || status;
        bytes = Math.max(bytes, said.total ?? 0);
      } catch {
        // A line that is none of Ollama's says nothing; the end decides.
      }
    },
    isStalled: (): boolean => clock.monotonic() - heardAt > STALL_MS,
    result: () => ({ status, error, bytes }),
  };
};

/** Has Ollama fetch a model, and stays until it is there: Ollama gives a pull up when nobody listens any more. */
export const pullModel: Handler = withArguments(
  z.strictObject({ model: modelName }),
  async ({ settings, system, clock }, { model }, { signal }) => {
    const address = meshAddress(settings, system);
    if (address === '') return refused('the mesh has no address, and Ollama listens on no other');
    const follower = createFollower(clock);
    const over = new AbortController();
    const stall = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted && !stall.signal.aborted) {
        await clock.sleep(LOOK_MS, over.signal);
        if (follower.isStalled()) stall.abort();
      }
    })();
    const answer = await system.ask(`${ollamaAt(address)}/api/pull`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream: true }),
      timeoutMs: LIMIT_MS,
      signal: AbortSignal.any([signal, stall.signal]),
      onLine: follower.take,
    });
    over.abort();
    await watching;
    const { status, error, bytes } = follower.result();
    if (stall.signal.aborted)
      return failed(`Ollama says nothing new for ${STALL_MS / 1000} s; last: ${oneLine(status)}`);
    if (answer === undefined)
      return failed(`no answer from Ollama at ${address}; last: ${oneLine(status) || 'nothing'}`);
    if (error !== undefined) return failed(`Ollama: ${oneLine(error)}`);
    if (answer.status !== 200 || status !== 'success')
      return failed(`Ollama answered ${answer.status}: ${oneLine(status)}`);
    return done(`${model} is here${bytes > 0 ? `, its largest part has ${bytes} bytes` : ''}`);
  },
);
