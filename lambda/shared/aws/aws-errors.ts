import { PermissionError, ServiceUnavailableError, ThrottledError } from '../errors.ts';

/** The shape every AWS SDK v3 service exception shares. */
interface AwsException extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  /** Node's code of a network failure. */
  readonly code?: string;
}

const THROTTLED = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'TooManyRequestsException',
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'KMSInternalException',
  'EC2ThrottledException',
  'SlowDown',
]);
const DENIED = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'UnauthorizedOperation',
  'KMSAccessDeniedException',
  'AuthFailure',
]);
/** The connection broke before the answer: whether the call took effect is unknown. */
const BROKEN = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH']);

export const isAwsError = (error: unknown, ...names: string[]): error is AwsException =>
  error instanceof Error && names.includes(error.name);

/**
 * Turns the errors that any AWS call may end in into ours; what the call itself means by an error is the adapter's
 * business and is handled before this.
 */
export const translateAwsError = (error: unknown, call: string): unknown => {
  if (!(error instanceof Error)) return error;
  const { $metadata: metadata, code } = error as AwsException;
  const status = metadata?.httpStatusCode;
  if (THROTTLED.has(error.name) || status === 429) {
    return new ThrottledError({
      what: `${call} was throttled`,
      got: error.name,
      remedy: 'none needed, the state retries',
      cause: error,
    });
  }
  if (DENIED.has(error.name)) {
    return new PermissionError({
      what: `${call} was refused for want of permission`,
      got: error.message,
      remedy: 'deploy the stack again; if a service control policy forbids the call, ask its owner',
      cause: error,
    });
  }
  const broken = code !== undefined && BROKEN.has(code);
  if ((status !== undefined && status >= 500) || broken || ['TimeoutError', 'NetworkingError'].includes(error.name)) {
    return new ServiceUnavailableError({
      what: `${call} failed on AWS's side`,
      got: code ?? error.name,
      remedy: 'none needed, the state retries',
      cause: error,
    });
  }
  return error;
};

/** Runs one AWS call and translates what it throws. */
export const awsCall = async <T>(call: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    throw translateAwsError(error, call);
  }
};
