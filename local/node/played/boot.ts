import * as z from 'zod';
import { secretName, TAG } from '#contract';
import type { Clock } from '#shared/clock.ts';
import type { NodeSpec } from '../host.ts';
import type { NodeSecrets } from './secrets.ts';

/** What the boot unit reads from its secret, as far as a played node needs it. */
const Identity = z.object({ nebula_ip: z.string(), nebula_node_crt: z.string() });
export type Identity = z.infer<typeof Identity>;

export type BootVerdict =
  | { readonly outcome: 'done'; readonly identity: Identity }
  | { readonly outcome: 'failed'; readonly reason: string };

/** Reads one worker's secret with the instance's own credentials. */
export type ReadSecret = NodeSecrets['read'];

const RETRY_SECONDS = 120;
const RETRY_EVERY_MILLISECONDS = 2000;

const userDataValue = (userData: string, key: string): string | undefined =>
  new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(userData)?.[1];

const message = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/**
 * Comes to the verdict the boot program would come to: the secret of the worker named by the instance's tag is there,
 * readable by this instance (retried for 120 s, since it is bound after the launch) and complete.
 */
export const playBoot = async (
  spec: NodeSpec,
  ports: { readonly readSecret: ReadSecret; readonly clock: Clock; readonly stopped: () => boolean },
): Promise<BootVerdict> => {
  const prefix = userDataValue(spec.userData, 'CARRIERARR_SECRET_PREFIX');
  const worker = spec.tags[TAG.worker];
  if (prefix === undefined) return { outcome: 'failed', reason: 'user data names no CARRIERARR_SECRET_PREFIX' };
  if (worker === undefined) return { outcome: 'failed', reason: `the instance has no tag ${TAG.worker}` };
  const deadline = ports.clock.now().getTime() + RETRY_SECONDS * 1000;
  for (;;) {
    try {
      const identity = Identity.safeParse(JSON.parse(await ports.readSecret(secretName(prefix, worker))));
      if (identity.success) return { outcome: 'done', identity: identity.data };
      return { outcome: 'failed', reason: 'the secret lacks nebula_ip or nebula_node_crt' };
    } catch (error) {
      if (ports.stopped() || ports.clock.now().getTime() >= deadline) {
        return { outcome: 'failed', reason: `secret ${secretName(prefix, worker)}: ${message(error)}` };
      }
      await ports.clock.sleep(RETRY_EVERY_MILLISECONDS);
    }
  }
};
