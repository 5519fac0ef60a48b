/**
 * The closed set of errors. `name` is the error a state machine sees; `kind` says what it does about it:
 * *retry* (throttling, eventual consistency), *fall back* (capacity, quota: next pool or market) or *stop*
 * (configuration, permission, input). The message carries everything a reader needs, because Step Functions hands on
 * nothing but name and message.
 */
export type ErrorKind = 'retry' | 'fallback' | 'stop';

export interface ErrorFacts {
  /** What was wrong; lower case, no full stop. */
  readonly what: string;
  readonly got?: string;
  readonly allowed?: string;
  /** What to do about it. */
  readonly remedy: string;
  readonly cause?: unknown;
}

export abstract class CarrierarrError extends Error {
  abstract readonly kind: ErrorKind;
  readonly what: string;
  readonly got: string | undefined;
  readonly allowed: string | undefined;
  readonly remedy: string;

  constructor(facts: ErrorFacts) {
    const got = facts.got === undefined ? '' : `; got ${facts.got}`;
    const allowed = facts.allowed === undefined ? '' : `; allowed: ${facts.allowed}`;
    super(`${facts.what}${got}${allowed}. Remedy: ${facts.remedy}`, { cause: facts.cause });
    this.name = this.constructor.name;
    this.what = facts.what;
    this.got = facts.got;
    this.allowed = facts.allowed;
    this.remedy = facts.remedy;
  }
}

abstract class RetryError extends CarrierarrError {
  readonly kind = 'retry';
}
abstract class FallbackError extends CarrierarrError {
  readonly kind = 'fallback';
}
abstract class StopError extends CarrierarrError {
  readonly kind = 'stop';
}

/** One fault of an input; every fault is reported at once. */
export interface Fault {
  readonly field: string;
  readonly what: string;
  readonly got: string;
  readonly allowed: string;
}

/** A request or event is malformed. */
export class InputError extends StopError {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[], remedy = 'correct the fields named above and send the request again') {
    const what = faults.map((f) => `${f.field}: ${f.what}, got ${f.got}, allowed: ${f.allowed}`).join(' | ');
    super({ what, remedy });
    this.faults = faults;
  }
}
/** An HTTP request that no route serves, or for a thing that is not there. */
export class RequestError extends StopError {
  readonly status: 404 | 405 | 413 | 415;
  constructor(status: 404 | 405 | 413 | 415, facts: ErrorFacts) {
    super(facts);
    this.status = status;
  }
}
/** The fleet is set up wrongly: a missing parameter, an unusable subnet, a wrong key. */
export class ConfigurationError extends StopError {}
/** AWS refused for want of permission. */
export class PermissionError extends StopError {}
/** The name is in use with another request, or by another life. */
export class NameConflictError extends StopError {}
/** The asked-for mesh address is taken or not assignable, or none is left. */
export class AddressError extends StopError {}
/** A write lost its condition: another execution or generation owns the worker now. */
export class OwnershipLostError extends StopError {}
/** A teardown fenced the worker while it was being launched; what was launched has been terminated. */
export class LaunchFencedError extends StopError {}
/** The cluster has its server already. */
export class ClusterConflictError extends StopError {}
/** The cluster that a gpu-worker is to join has no server, or not in time. */
export class ClusterUnavailableError extends StopError {}
/** The homelab's node is not activated or not online, and a step needs it. */
export class HomelabOfflineError extends StopError {}
/** The homelab is not prepared; nothing has been changed or launched. */
export class PreflightFailedError extends StopError {}
/** The clusters did not peer, or the peering does not carry traffic. */
export class PeeringFailedError extends StopError {}
/** AWS throttled; the state's Retry takes it from here. */
export class ThrottledError extends RetryError {}
/** AWS does not yet show what was just written. */
export class NotYetConsistentError extends RetryError {}
/** AWS answered 5xx or not at all. */
export class ServiceUnavailableError extends RetryError {}
/** No pool of any offered type, zone and allowed market had capacity. */
export class CapacityError extends FallbackError {}
/** The account's quota is used up in every allowed market. */
export class QuotaError extends FallbackError {}
/** A certificate would break one of Nebula's rules. */
export class CertificateRuleError extends StopError {}
/** A signature did not verify against the CA, so the certificate was not handed out. */
export class SignatureError extends StopError {}
/** A secret of that name exists and is not ours to overwrite. */
export class SecretConflictError extends StopError {}
/** The instance never registered with Systems Manager. */
export class SsmOfflineError extends StopError {}
/** The boot reported failure; carries its reason. */
export class BootFailedError extends StopError {}
/** A step's script ended with a failure; carries its last lines. */
export class StepFailedError extends StopError {}
/** A step ran longer than its limit, or was killed for want of memory. */
export class StepTimedOutError extends StopError {}
/** A command never reached the node: delivery timed out or it was undeliverable. */
export class StepUndeliverableError extends StopError {}
/** A command was cancelled. */
export class StepCancelledError extends StopError {}
/** An instance did not reach `terminated` within its limit. */
export class TerminationTimedOutError extends StopError {}
/** Something tagged or named after the worker is still there after its teardown. */
export class ProofFailedError extends StopError {}
/** Some of several independent items failed; says which and why. The others are done. */
export class PartialFailureError extends StopError {}
/** `cdk destroy` while workers are alive. */
export class WorkersAliveError extends StopError {}

/** Walks `cause` so that a wrapped error keeps its remedy. */
export const findCarrierarrError = (error: unknown): CarrierarrError | undefined => {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof CarrierarrError) return at;
  }
  return undefined;
};
