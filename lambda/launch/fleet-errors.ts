/**
 * What a code in EC2 Fleet's answer means for the launch. The codes and what they stand for were measured by others on
 * AWS (docs/adr/0030); an unknown code costs one pool, never the launch.
 */
export type Reaction =
  /** EC2 did not try the pool, or asks for patience: ask again for the same pool. */
  | 'again'
  /** This pool cannot serve now. */
  | 'next-pool'
  /** The account may not have more in this market. */
  | 'next-market'
  /** The pool's combination of type, zone and template is not valid; when all are, nothing will help. */
  | 'invalid-pool'
  | 'permission'
  | 'configuration';

const REACTIONS: Readonly<Record<string, Reaction>> = {
  // "Not tried": an instant fleet tries at most three pools and calls the rest unfulfillable.
  UnfulfillableCapacity: 'again',
  RequestLimitExceeded: 'again',
  Throttling: 'again',
  InternalError: 'again',
  Unavailable: 'again',
  ServiceUnavailable: 'again',
  // The next call has a token of its own.
  IdempotentParameterMismatch: 'again',

  InsufficientInstanceCapacity: 'next-pool',
  InsufficientCapacityOnHost: 'next-pool',
  InsufficientFreeAddressesInSubnet: 'next-pool',
  ReservationCapacityExceeded: 'next-pool',
  SpotMaxPriceTooLow: 'next-pool',
  Unsupported: 'next-pool',
  UnsupportedOperation: 'next-pool',

  MaxSpotInstanceCountExceeded: 'next-market',
  MaxSpotFleetRequestCountExceeded: 'next-market',
  MaxFleetCountExceeded: 'next-market',
  VcpuLimitExceeded: 'next-market',
  InstanceLimitExceeded: 'next-market',
  ResourceLimitExceeded: 'next-market',
  TargetCapacityLimitExceededException: 'next-market',

  InvalidFleetConfiguration: 'invalid-pool',
  InvalidFleetConfig: 'invalid-pool',

  UnauthorizedOperation: 'permission',
  AccessDenied: 'permission',
  AuthFailure: 'permission',
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted': 'permission',
  OptInRequired: 'permission',
  PendingVerification: 'permission',
  Blocked: 'permission',

  SsmAccessDenied: 'configuration',
  MissingParameter: 'configuration',
  ParameterNotFound: 'configuration',
  SpotServiceLinkedRoleCreationNotAllowed: 'permission',
};

export const reactionTo = (code: string): Reaction =>
  REACTIONS[code] ?? (/^(Invalid|Ssm)/.test(code) ? 'configuration' : 'next-pool');
