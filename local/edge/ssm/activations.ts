import { randomBytes, randomUUID } from 'node:crypto';
import { AwsRefusal } from '../protocol/refusal.ts';

export interface ActivationRequest {
  readonly description: string;
  readonly instanceName: string;
  readonly iamRole: string;
  readonly registrationLimit: number;
  /** Epoch milliseconds; undefined: a day from now. */
  readonly expiresAt: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** Permission for machines outside EC2 to register as managed nodes. */
export interface Activation extends ActivationRequest {
  readonly activationId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  registrations: number;
}

const DAY = 86_400_000;
const LONGEST = 30 * DAY;

/** Hybrid activations of Systems Manager. A code is told once and kept by nobody but this. */
export class Activations {
  readonly #now: () => number;
  readonly #activations = new Map<string, { readonly activation: Activation; readonly code: string }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws AwsRefusal InvalidParameters */
  create(request: ActivationRequest): { readonly activationId: string; readonly code: string } {
    const now = this.#now();
    const expiresAt = request.expiresAt ?? now + DAY;
    if (expiresAt <= now || expiresAt > now + LONGEST) {
      throw new AwsRefusal('InvalidParameters', 'ExpirationDate must lie in the future, at most 30 days ahead');
    }
    const activationId = randomUUID();
    const code = randomBytes(15).toString('base64url');
    const activation = { ...request, activationId, createdAt: now, expiresAt, registrations: 0 };
    this.#activations.set(activationId, { activation, code });
    return { activationId, code };
  }

  list(): Activation[] {
    return [...this.#activations.values()].map(({ activation }) => activation);
  }

  isExpired(activation: Activation): boolean {
    return this.#now() >= activation.expiresAt || activation.registrations >= activation.registrationLimit;
  }

  /** @throws AwsRefusal InvalidActivationId */
  delete(activationId: string): void {
    if (!this.#activations.delete(activationId)) {
      throw new AwsRefusal('InvalidActivationId', `Activation ${activationId} does not exist`);
    }
  }

  /**
   * What an agent asks that was started with `-register -id … -code …`.
   * @throws AwsRefusal InvalidActivation
   */
  redeem(activationId: string, code: string): Activation {
    const found = this.#activations.get(activationId);
    if (found === undefined || found.code !== code || this.isExpired(found.activation)) {
      throw new AwsRefusal('InvalidActivation', 'The activation is unknown, expired or used up, or its code is wrong');
    }
    found.activation.registrations += 1;
    return found.activation;
  }
}
