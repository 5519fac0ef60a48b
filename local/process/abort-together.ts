/**
 * Waits for all of several pieces of work that share `abort`. When one fails the others are aborted and waited for,
 * so that nothing goes on behind the caller's back; then the first failure is thrown.
 */
export const abortTogether = async <T extends readonly Promise<unknown>[]>(
  abort: AbortController,
  work: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  try {
    return (await Promise.all(work)) as { -readonly [K in keyof T]: Awaited<T[K]> };
  } catch (error) {
    abort.abort(error);
    await Promise.allSettled(work);
    throw error;
  }
};
