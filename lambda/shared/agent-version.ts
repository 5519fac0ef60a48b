/** First SSM agent that hands parameters over as environment variables; older ones would leave the scripts without any. */
export const MINIMUM_AGENT = [3, 3, 2746, 0] as const;

/** What cannot be read as a version is not called old. */
export const isOldAgent = (version: string): boolean => {
  const parts = version.split('.').map(Number);
  if (parts.length !== MINIMUM_AGENT.length || parts.some(Number.isNaN)) return false;
  const differing = MINIMUM_AGENT.findIndex((minimum, i) => minimum !== parts[i]);
  return differing >= 0 && (parts[differing] ?? 0) < (MINIMUM_AGENT[differing] ?? 0);
};
