import { readFileSync, statSync } from 'node:fs';
import { Code, ConnectError } from '@connectrpc/connect';
import { readAgentKeys, verifyAgentToken } from '#shared/contract/agent-token.ts';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { Clock } from '../clock.ts';
import type { Identity } from '../fleet/identity.ts';

export interface GateSettings {
  /** Undefined: agents need no token. */
  readonly agentKeyFile: string | undefined;
  readonly agentsWithoutToken: 'refuse' | 'allow';
}

/** Keys change while the program runs: a Secret that is mounted is written anew. */
const LOOK_MILLISECONDS = 5000;

/** Says who an agent is: by the token that it sends, and never by where it comes from. */
export class Gate {
  readonly #settings: GateSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Undefined: there is no file, so no token is asked for. */
  #keys: readonly string[] | undefined;
  #changedAt = Number.NaN;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(settings: GateSettings, clock: Clock, log: Log) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#look();
    if (this.#keys !== undefined) return;
    const remedy = 'put a key into AGENT_KEY_FILE; until then whoever is in the mesh may report anything';
    log('warn', 'agents need no token', { remedy });
  }

  /**
   * @param header - metadata of the call
   * @throws ConnectError UNAUTHENTICATED where a token is missing or not valid
   */
  async identify(header: Headers): Promise<Identity> {
    this.#look();
    const keys = this.#keys;
    if (keys === undefined) return { kind: 'unchecked' };
    const [, token] = /^Bearer +(\S+)$/i.exec(header.get('authorization') ?? '') ?? [];
    if (token === undefined) {
      if (this.#settings.agentsWithoutToken === 'allow') return { kind: 'anonymous' };
      throw new ConnectError('no token: send metadata "authorization: Bearer …"', Code.Unauthenticated);
    }
    const verdict =
      keys.length === 0
        ? { valid: false as const, reason: 'the key file of the control plane holds no usable key' }
        : await verifyAgentToken(token, keys, this.#clock.now());
    if (!verdict.valid) throw new ConnectError(`the token is refused: ${verdict.reason}`, Code.Unauthenticated);
    return { kind: 'proven', claims: verdict.claims };
  }

  /** Keys that can no longer be read stay in force: a volume that hiccups must neither lock the fleet out nor let all in. */
  #look(): void {
    const file = this.#settings.agentKeyFile;
    const now = this.#clock.monotonic();
    if (file === undefined || now - this.#lookedAt < LOOK_MILLISECONDS) return;
    this.#lookedAt = now;
    try {
      const changedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
      if (changedAt === undefined || changedAt === this.#changedAt) return;
      const { keys, faults } = readAgentKeys(readFileSync(file, 'utf8'));
      this.#keys = keys;
      this.#changedAt = changedAt;
      this.#log(keys.length > 0 ? 'info' : 'error', 'agent keys', { keys: keys.length, linesTooShort: faults });
    } catch (error) {
      this.#keys ??= [];
      this.#log('error', 'agent keys unreadable', { reason: reasonOf(error), keys: this.#keys.length });
    }
  }
}
