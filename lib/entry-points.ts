import { type ENVIRONMENT, LAUNCH_TIMEOUT_SECONDS } from '#contract';

/** Every Lambda of the app, by capability. A function's time-out is shorter than that of the state that calls it. */
export interface EntryPoint {
  /** Handler file, relative to the repository. */
  readonly file: string;
  readonly description: string;
  readonly timeoutSeconds: number;
}

export type FunctionName = keyof typeof ENVIRONMENT;

export const ENTRY_POINTS: Readonly<Record<FunctionName, EntryPoint>> = {
  registry: {
    file: 'lambda/registry/handler.ts',
    description: 'Names, mesh addresses and phases of workers',
    timeoutSeconds: 20,
  },
  identity: {
    file: 'lambda/identity/handler.ts',
    description: 'Signs, stores, renews and revokes certificates of workers',
    timeoutSeconds: 30,
  },
  launch: {
    file: 'lambda/launch/handler.ts',
    description: 'Launches one instance behind a fence and binds its secret to it',
    // A teardown's proof waits as long for a launch call in flight.
    timeoutSeconds: LAUNCH_TIMEOUT_SECONDS,
  },
  'run-command': {
    file: 'lambda/run-command/handler.ts',
    description: 'Starts, polls and cancels steps on a worker',
    timeoutSeconds: 20,
  },
  homelab: {
    file: 'lambda/run-command/homelab.handler.ts',
    description: "Finds the homelab's node and runs steps on it",
    timeoutSeconds: 20,
  },
  sweep: {
    file: 'lambda/sweep/handler.ts',
    description: 'Takes away what a worker had, proves it, and looks for orphans',
    timeoutSeconds: 120,
  },
  api: { file: 'lambda/api/handler.ts', description: 'Workers over HTTP', timeoutSeconds: 20 },
  certificates: {
    file: 'lambda/identity/certificates.handler.ts',
    description: 'Certificates over HTTP, for keys made elsewhere',
    timeoutSeconds: 20,
  },
  scale: { file: 'lambda/scale/handler.ts', description: 'Scale Out and Scale In Requested', timeoutSeconds: 60 },
  rescue: {
    file: 'lambda/rescue/handler.ts',
    description: 'Starts the teardown of an execution that could not undo itself',
    timeoutSeconds: 30,
  },
  observe: {
    file: 'lambda/observe/handler.ts',
    description: 'Idle and dead workers, and those that Spot takes back: warns, tears down, sweeps',
    timeoutSeconds: 30,
  },
  ca: {
    file: 'lambda/identity/ca.handler.ts',
    description: 'Makes the CA certificate once, or adopts it',
    // Covers 60 s until the role may sign.
    timeoutSeconds: 120,
  },
  guard: {
    file: 'lambda/sweep/guard.handler.ts',
    description: 'Refuses the deletion of the fleet while workers are alive',
    timeoutSeconds: 60,
  },
};
