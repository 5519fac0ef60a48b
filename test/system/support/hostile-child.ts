import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNodeHost } from '../../../local/node/create-node-host.ts';
import type { LocalNodeHost } from '../../../local/node/host.ts';
import { createSandboxHost } from '../../../local/node/sandbox/sandbox-host.ts';
import { aCommand, aSpec } from '../../local/node/builders.ts';

/**
 * Runs hostile.sh on a node of one kind and prints what came of it as JSON: a process of its own, so that it can be
 * somebody else's.
 */
export interface HostileOrder {
  readonly kind: 'mesh' | 'sandbox' | 'sandbox without overlays' | 'played';
  readonly directory: string;
  readonly awsEndpoint: string;
  readonly environment: Readonly<Record<string, string>>;
}

export type HostileOutcome =
  | { readonly kind: string; readonly status: string; readonly exitCode: number; readonly stdout: string }
  | { readonly missing: string };

const hostOf = async (kind: HostileOrder['kind']): Promise<LocalNodeHost> =>
  kind === 'sandbox without overlays'
    ? createSandboxHost({ reason: 'asked for', overlay: false })
    : await createNodeHost({ kind });

const run = async (order: HostileOrder): Promise<HostileOutcome> => {
  let host: LocalNodeHost;
  try {
    host = await hostOf(order.kind);
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
  try {
    await host.prepareHomelab(order.directory);
    const node = await host.start(
      aSpec({ directory: join(order.directory, 'node'), awsEndpoint: order.awsEndpoint, userData: '' }),
    );
    await node.registered;
    const script = readFileSync(join(import.meta.dirname, 'hostile.sh'), 'utf8');
    const { environment } = order;
    const result = await node.run(aCommand({ script, environment, timeoutSeconds: 120, step: 'node-status' }));
    return { kind: host.kind, status: result.status, exitCode: result.exitCode, stdout: result.stdout };
  } finally {
    await host.close();
  }
};

process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}') as HostileOrder)));
