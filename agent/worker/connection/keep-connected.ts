import { Code, ConnectError } from '@connectrpc/connect';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { Reporter, Settings, System } from '../ports.ts';
import type { Tally } from '../tally.ts';
import { backOff, refusedBackOff } from './back-off.ts';
import { Connection, type ConnectionParts, RefusedError } from './connection.ts';
import { readCredentials } from './credentials.ts';
import { toRegistration } from './registration.ts';
import { within } from './within.ts';

export interface KeepParts extends ConnectionParts {
  readonly settings: Settings;
  readonly system: Pick<System, 'readText'>;
  readonly reporter: Pick<Reporter, 'registration'>;
  readonly tally: Tally;
  readonly log: Log;
  /** 0 to 1. */
  readonly random: () => number;
}

type Kind = 'lost' | 'refused' | 'unauthorised';

interface Outcome {
  readonly kind: Kind;
  readonly reason: string;
  /** How long the connection served; 0 when it never came to that. */
  readonly servedMs: number;
}

/** The same fault is told again after this long. */
const TELL_AGAIN_MILLISECONDS = 600_000;

const REMEDY: Readonly<Record<Kind, string | undefined>> = {
  lost: undefined,
  refused: 'the control plane does not accept this node; the agent keeps asking',
  unauthorised: 'the token of this node is missing, too old or not its own; the agent reads it anew at each attempt',
};

const outcomeOf = (error: unknown, servedMs: number): Outcome => {
  if (error instanceof RefusedError) return { kind: 'refused', reason: error.message, servedMs };
  const code = error instanceof ConnectError ? error.code : undefined;
  const denied = code === Code.Unauthenticated || code === Code.PermissionDenied;
  return { kind: denied ? 'unauthorised' : 'lost', reason: reasonOf(error), servedMs };
};

const registrationOf = async (parts: KeepParts, stop: AbortSignal) => {
  const { reporter, clock, limits, log, settings } = parts;
  const limit = { clock, milliseconds: limits.reportMs, what: 'the look at the node', signal: stop };
  const found = await within(limit, () => reporter.registration()).catch((error: unknown) => {
    log('error', 'registration by configuration alone', { reason: reasonOf(error) });
    return undefined;
  });
  return toRegistration(settings, found);
};

/** One connection from its first to its last byte. Never rejects. */
const hold = async (parts: KeepParts, stop: AbortSignal): Promise<Outcome> => {
  const { clock, limits, hearing, tally, settings, system, log } = parts;
  let served: number | undefined;
  const servedMs = (): number => (served === undefined ? 0 : clock.monotonic() - served);
  let connection: Connection | undefined;
  try {
    const limit = { clock, milliseconds: limits.reportMs, what: 'reading the token', signal: stop };
    const credentials = await within(limit, () => readCredentials(settings, system));
    const request = await registrationOf(parts, stop);
    connection = await Connection.open(parts, credentials, stop);
    await connection.register(request, stop);
    served = clock.monotonic();
    tally.connects += 1;
    const { host, port } = settings.controlPlane;
    log('info', 'connected', { address: `${host}:${port}`, authenticated: 'authorization' in credentials.headers });
    hearing.turned(true, `connected to ${host}:${port}`);
    return { kind: 'lost', reason: await connection.serve(stop), servedMs: servedMs() };
  } catch (error) {
    return outcomeOf(error, servedMs());
  } finally {
    await connection?.close(stop.aborted ? limits.closeMs / 3 : 0);
  }
};

/** Says what is new, and what has not changed only now and then: an hour without a network is not a thousand lines. */
const teller = ({ log, clock }: KeepParts) => {
  let told = { what: '', at: 0 };
  return ({ kind, reason, servedMs }: Outcome): void => {
    const what = `${kind} ${reason}`;
    const now = clock.monotonic();
    if (servedMs === 0 && what === told.what && now - told.at < TELL_AGAIN_MILLISECONDS) return;
    told = { what, at: now };
    const remedy = REMEDY[kind];
    const facts = { reason, ...(servedMs === 0 ? {} : { servedSeconds: Math.round(servedMs / 1000) }) };
    const event = kind === 'lost' ? (servedMs === 0 ? 'cannot connect' : 'disconnected') : kind;
    log(kind === 'lost' ? 'warn' : 'error', event, remedy === undefined ? facts : { ...facts, remedy });
  };
};

/**
 * Connects, and connects again, for ever: whatever ends a connection comes back here as an outcome. Ends with the
 * signal alone.
 */
export const keepConnected = async (parts: KeepParts, stop: AbortSignal): Promise<void> => {
  const { clock, limits, vitals, hearing, tally, random } = parts;
  const tell = teller(parts);
  const attemptMs = 2 * limits.reportMs + limits.connectMs + limits.callMs + limits.reportMs + limits.slackMs;
  let failures = 0;
  while (!stop.aborted) {
    vitals.beat('connection', attemptMs);
    const outcome = await hold(parts, stop);
    if (stop.aborted) return;
    if (outcome.servedMs > 0) tally.losses += 1;
    tell(outcome);
    hearing.turned(false, `not connected: ${outcome.reason}`);
    failures = outcome.servedMs >= limits.stableMs ? 0 : failures + 1;
    const refused = outcome.kind === 'refused';
    const pause = refused ? refusedBackOff(limits, random) : backOff(Math.max(0, failures - 1), limits, random);
    vitals.beat('connection', pause + limits.slackMs);
    await clock.sleep(pause, stop);
  }
};
