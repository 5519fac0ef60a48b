/** An error as a person wants to read it: taxonomy name, what was wrong, what to do. */
export interface Failure {
  readonly error: string;
  readonly message: string;
  /** Empty when the error carries none. */
  readonly remedy: string;
}

const REMEDY = /\.? Remedy: /;

const lambdaMessage = (cause: string): string => {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // A cause is JSON only where a Lambda threw.
  }
  return cause;
};

/** Takes apart the name and cause that Step Functions keeps of an error (messages: `lambda/shared/errors.ts`). */
export const readFailure = (error: string, cause: string): Failure => {
  const text = lambdaMessage(cause);
  const at = text.search(REMEDY);
  if (at < 0) return { error: error || 'Unknown', message: text, remedy: '' };
  return { error, message: text.slice(0, at), remedy: text.slice(at).replace(REMEDY, '') };
};
