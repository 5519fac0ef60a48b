import type {
  AgentHealth,
  ColdStart,
  Details,
  IdleSpell,
  Market,
  Phase,
  Removal,
  Role,
  Worker,
  WorkerRow,
} from '#contract';

/**
 * The registry as the other capabilities see it: authority for names, addresses, owners and locks. Take the narrow
 * part you need (`Pick<Registry, 'find' | 'beginLaunch'>`). Reads are strongly consistent, lists excepted; every write
 * is one conditional update or transaction.
 */
export interface Life {
  readonly name: string;
  readonly generation: string;
}
export interface OwnedLife extends Life {
  /** ARN of the execution that must own the row. */
  readonly execution: string;
}

/** A life on the instance on which it was observed. */
export interface SeenLife extends Life {
  readonly instanceId: string;
}

/** Why a worker goes. */
export type RemovalReason = Pick<Removal, 'reason' | 'text'>;

export interface Reservation {
  /** Everything of the worker but what the transaction itself decides. */
  readonly worker: Omit<Worker, 'address' | 'generation'>;
  /** Asked-for mesh address; absent means the registry picks one. */
  readonly address?: string;
  readonly requestHash: string;
  readonly input: string;
  /** Computes the owner from the generation: doors know the execution's ARN before they start it. */
  readonly owner: (generation: string) => string;
}
export type ReserveOutcome =
  | { readonly outcome: 'reserved' | 'existing'; readonly row: WorkerRow }
  /** Another request or another owner holds the name. */
  | { readonly outcome: 'taken'; readonly row: WorkerRow };

export interface LaunchFacts {
  readonly instanceId: string;
  readonly instanceArn: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly launchedMarket: Market;
  readonly launchedAmiId: string;
  readonly privateIp: string;
  readonly publicIp: string;
  /** ISO 8601, as EC2 says. */
  readonly launchedAt: string;
}

export interface FenceOutcome {
  readonly outcome: 'fenced' | 'absent' | 'removed' | 'busy';
  readonly row: WorkerRow | undefined;
}

export type WorkerCommand = NonNullable<WorkerRow['openCommand']>;
export type HomelabCommand = NonNullable<WorkerRow['openHomelabCommand']>;

export interface AddressHold {
  /** Who holds it; the same name may hold the same address again. */
  readonly name: string;
  readonly address?: string;
  readonly until: Date;
}

/** `CERT#<fingerprint>`: every certificate ever issued, kept until its notAfter. The PEM is public. */
export interface CertificateRow {
  readonly fingerprint: string;
  readonly name: string;
  readonly generation: string;
  readonly address: string;
  readonly groups: readonly string[];
  readonly role: Role | 'external';
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly issuedAt: string;
  readonly status: 'issued' | 'revoked';
  readonly revokedAt?: string;
  readonly pem: string;
}

/** Phases a provision reports; the others belong to recordIdentity, the launch's fence and the teardown. */
export type ReachedPhase = Extract<Phase, 'BOOTED' | 'MESHED' | 'CLUSTERED' | 'PEERED' | 'READY'>;

export interface Registry {
  find(name: string): Promise<WorkerRow | undefined>;
  /** Every worker, removed ones of the last 30 days included. By the index, a moment behind: `find` before undoing. */
  list(): Promise<WorkerRow[]>;
  byExecution(executionArn: string): Promise<Life | undefined>;

  /**
   * Claims name, address and generation in one transaction, and for a lighthouse its cluster.
   * @throws AddressError, ClusterConflictError
   */
  reserve(reservation: Reservation): Promise<ReserveOutcome>;
  /** The worker that has claimed a cluster as its server, in whatever phase before REMOVED. */
  findServer(cluster: string): Promise<WorkerRow | undefined>;
  /** An address for a certificate made elsewhere; nobody else gets it before `until`. @throws AddressError */
  holdAddress(hold: AddressHold): Promise<string>;
  /** The row afterwards; `details` are merged into its own. @throws OwnershipLostError */
  advance(life: OwnedLife, phase: ReachedPhase, details?: Details): Promise<WorkerRow>;
  /** Keeps the first failure. */
  recordFailure(life: OwnedLife, failure: { error: string; cause: string }): Promise<boolean>;
  /** The latest measurement stays. False for a life that is over or being torn down: nobody asks for its times. */
  recordColdStart(life: Life, coldStart: ColdStart): Promise<boolean>;
  /** @throws OwnershipLostError */
  recordIdentity(life: Life, identity: { secretArn: string; fingerprint: string; notAfter: string }): Promise<void>;

  /** LAUNCHING before the call. Returns the attempt's number, 1 upwards. @throws LaunchFencedError */
  beginLaunch(life: OwnedLife): Promise<number>;
  /** LAUNCHED after it, only if still LAUNCHING by the same owner and attempt. @throws LaunchFencedError */
  recordLaunch(life: OwnedLife, attempt: number, facts: LaunchFacts): Promise<void>;

  /**
   * Remembers the command that runs, so that a teardown can cancel it. After a fence only for the teardown that holds
   * the lease. @throws OwnershipLostError
   */
  openCommand(life: OwnedLife, command: WorkerCommand): Promise<void>;
  closeCommand(life: Life, commandId: string): Promise<void>;
  /** The same for the command that runs on the homelab's node for this worker. */
  openHomelabCommand(life: OwnedLife, command: HomelabCommand): Promise<void>;
  closeHomelabCommand(life: Life, commandId: string): Promise<void>;

  /** Sets TEARING_DOWN and takes the teardown lease for `holder` (an execution ARN). */
  fence(
    life: { name: string; generation: string | undefined },
    holder: string,
    leaseSeconds: number,
  ): Promise<FenceOutcome>;
  /** Gives up a lease whose holder has ended; false when `holder` does not have it. */
  releaseLease(life: Life, holder: string): Promise<boolean>;
  /** Atomic counter behind the names of teardown executions. The first reason that is given stays. */
  nextTeardownAttempt(life: Life, why?: RemovalReason): Promise<number>;
  /** Frees address and cluster. False for a life that is not fenced. */
  releaseAddress(life: Life): Promise<boolean>;
  /** Only for the holder of the lease; true again on a repeat. */
  markRemoved(life: Life, holder: string): Promise<boolean>;

  /**
   * Puts one spell of idleness in the place of another, or none. Undefined where the worker is not READY on that
   * instance, or the spell on record is not `before`.
   */
  noteIdle(life: SeenLife, before: IdleSpell | undefined, after: IdleSpell | undefined): Promise<WorkerRow | undefined>;
  /** Undefined where the worker is not READY on that instance, or something later is on record. */
  noteDead(life: SeenLife, health: AgentHealth): Promise<WorkerRow | undefined>;

  recordCertificate(row: CertificateRow): Promise<void>;
  findCertificate(fingerprint: string): Promise<CertificateRow | undefined>;
  listCertificates(filter?: { name?: string }): Promise<CertificateRow[]>;
  /** Revokes every certificate of that life (all lives when the generation is empty); returns their fingerprints. */
  revokeCertificates(life: Life): Promise<string[]>;

  /** First instant at which a sweep saw this id as an orphan; sets it now when new. */
  noticeOrphan(id: string): Promise<Date>;
  forgetOrphan(id: string): Promise<void>;
}
