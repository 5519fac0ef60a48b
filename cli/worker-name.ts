/**
 * Checks a name before anything is asked of AWS: it goes into paths and patterns.
 *
 * @throws InputError
 */
export const readWorkerNames = async (names: readonly string[]): Promise<void> => {
  const [{ WorkerName }, { parseInput }, z] = await Promise.all([
    import('#contract'),
    import('#shared/input.ts'),
    import('zod'),
  ]);
  for (const name of names) parseInput(z.object({ name: WorkerName }), { name });
};
