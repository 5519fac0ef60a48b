import type { LocalNodeHost } from './host.ts';
import { createPlayedHost } from './played/played-host.ts';

export interface NodeHostOptions {
  /** The cloud's own directory; everything a host keeps lies below it. */
  readonly directory: string;
  /** @default - environment variable CARRIERARR_NODE_HOST, else the best this machine can do */
  readonly kind?: LocalNodeHost['kind'];
}

/** Picks the best way this machine can play EC2 instances. */
export const createNodeHost = async (_options: NodeHostOptions): Promise<LocalNodeHost> =>
  createPlayedHost({ reason: 'no sandbox is available' });
