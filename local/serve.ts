import { findCarrierarrError } from '#shared/errors.ts';
import { startCloud } from './cloud.ts';
import type { LocalOptions } from './commands.ts';
import { Interrupted, watchSignals } from './interruption.ts';
import type { ServeMessage } from './messages.ts';
import { writeState } from './state-file.ts';

const tell = (message: ServeMessage): void => {
  if (process.connected) process.send?.(message);
};

const factsOf = (error: unknown): Extract<ServeMessage, { kind: 'failed' }>['facts'] => {
  const known = findCarrierarrError(error);
  if (known === undefined) return { what: String(error), remedy: 'read the logs below .carrierarr/clouds' };
  const { what, got, allowed, remedy } = known;
  return { what, ...(got !== undefined && { got }), ...(allowed !== undefined && { allowed }), remedy };
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Runs a cloud until it is told to end. The command that starts it hears how far it is, and may go away once it is up. */
export const serve = async ({ name, nodes }: LocalOptions): Promise<void> => {
  const watch = watchSignals();
  const orphaned = new AbortController();
  // Whoever started this died while waiting for it: nobody would ever know of the cloud.
  process.once('disconnect', () => orphaned.abort(new Interrupted('SIGHUP')));
  try {
    const cloud = await startCloud({
      name,
      ...(nodes !== undefined && { nodes }),
      signal: AbortSignal.any([watch.signal, orphaned.signal]),
      onStage: (event) => tell({ kind: 'stage', event: { ...event } }),
    });
    await writeState(cloud);
    tell({ kind: 'ready' });
    await untilAborted(watch.signal);
    await cloud.stop();
  } catch (error) {
    if (error instanceof Interrupted) return;
    tell({ kind: 'failed', facts: factsOf(error) });
    throw error;
  } finally {
    watch.release();
    if (process.connected) process.disconnect();
  }
};
