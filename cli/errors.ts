import { type CarrierarrError, type ErrorFacts, type Fault, findCarrierarrError, InputError } from '#shared/errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** How a command ends when it cannot do what was asked. Carries the exit code beside what, got, allowed and remedy. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly facts: ErrorFacts;
  readonly faults: readonly Fault[];
  constructor(exitCode: ExitCode, facts: ErrorFacts, faults: readonly Fault[] = []) {
    super(facts.what, { cause: facts.cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.facts = facts;
    this.faults = faults;
  }
}

/** The taxonomy's errors by exit code; what is not named here is a failed operation. */
const EXIT_OF: Readonly<Record<string, ExitCode>> = {
  InputError: EXIT.usage,
  CertificateRuleError: EXIT.usage,
  ConfigurationError: EXIT.setup,
  PermissionError: EXIT.setup,
  NameConflictError: EXIT.conflict,
  AddressError: EXIT.conflict,
};

export const exitCodeOf = (taxonomyName: string): ExitCode => EXIT_OF[taxonomyName] ?? EXIT.failed;

const fromTaxonomy = (error: CarrierarrError): CommandError =>
  new CommandError(
    exitCodeOf(error.name),
    {
      what: error instanceof InputError ? 'bad input' : error.what,
      ...(error.got === undefined ? {} : { got: error.got }),
      ...(error.allowed === undefined ? {} : { allowed: error.allowed }),
      remedy: error.remedy,
      cause: error,
    },
    error instanceof InputError ? error.faults : [],
  );

const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  'UnrecognizedClientException',
]);
const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation']);
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ECONNRESET']);

const chain = (error: unknown): (Error & { code?: string })[] => {
  const found: Error[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    found.push(at);
    // Node wraps the attempts on several addresses of one name.
    if (at instanceof AggregateError) found.push(...at.errors.filter((inner) => inner instanceof Error));
  }
  return found;
};

const fromAws = (error: Error): CommandError => {
  const causes = chain(error);
  const facts = { got: error.message, cause: error };
  if (causes.some(({ name }) => CREDENTIALS.has(name))) {
    return new CommandError(EXIT.setup, {
      ...facts,
      what: 'AWS does not accept the credentials, or there are none',
      remedy: 'sign in (`aws sso login`, AWS_PROFILE or AWS_ACCESS_KEY_ID) and check with `carrierarr doctor`',
    });
  }
  if (causes.some(({ name }) => DENIED.has(name))) {
    return new CommandError(EXIT.setup, {
      ...facts,
      what: 'these credentials may not do that',
      remedy: 'attach the managed policy <fleet>-operator-<region> to the user or role, see docs/cli.md',
    });
  }
  if (causes.some(({ code }) => code !== undefined && UNREACHABLE.has(code))) {
    return new CommandError(EXIT.setup, {
      ...facts,
      what: 'AWS cannot be reached',
      remedy: 'check the network, --region and AWS_ENDPOINT_URL; for the embedded cloud: `carrierarr local up`',
    });
  }
  if (error.name === 'Unknown') {
    return new CommandError(EXIT.failed, {
      ...facts,
      what: 'the endpoint does not serve this call',
      remedy: 'on the embedded cloud this is to be expected of some calls; else check AWS_ENDPOINT_URL',
    });
  }
  return new CommandError(EXIT.failed, {
    what: `${error.name}: ${error.message}`,
    remedy: 'run again with --debug to see where it comes from',
    cause: error,
  });
};

/** Makes anything thrown presentable. */
export const asCommandError = (error: unknown): CommandError => {
  if (error instanceof CommandError) return error;
  const known = findCarrierarrError(error);
  if (known !== undefined) return fromTaxonomy(known);
  return fromAws(error instanceof Error ? error : new Error(String(error)));
};
