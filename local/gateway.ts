import { join } from 'node:path';
import type { Ec2Times } from './edge/ec2/instance.ts';
import { Edge } from './edge/edge.ts';
import { startMinistack } from './ministack/ministack.ts';
import { instanceIdOf } from './node/credentials.ts';
import type { NodeHost } from './node/host.ts';
import { freePort } from './process/free-port.ts';
import type { Supervisor } from './process/supervisor.ts';

export interface GatewayOptions {
  readonly python: string;
  readonly region: string;
  readonly accountId: string;
  readonly host: NodeHost;
  readonly directory: string;
  readonly logDirectory: string;
  readonly supervisor: Supervisor;
  readonly waitScale: number;
  readonly times: Ec2Times | undefined;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

const TRIES = 3;

const startOnce = async (options: GatewayOptions): Promise<Edge> => {
  const { region, accountId, host, directory, log, times } = options;
  const port = await freePort();
  const edge = new Edge({
    upstream: `http://127.0.0.1:${port}`,
    region,
    accountId,
    host,
    instanceOf: instanceIdOf,
    directory: join(directory, 'nodes'),
    log,
    ...(times !== undefined && { times }),
  });
  await edge.listen();
  try {
    await startMinistack({
      ...options,
      port,
      endpoint: edge.url,
      directory: join(directory, 'ministack'),
      logFile: join(options.logDirectory, 'ministack.log'),
    });
    return edge;
  } catch (error) {
    await edge.close();
    throw error;
  }
};

/** Starts emulator and edge. Another process may take the emulator's port between choosing and using it: then again. */
export const startGateway = async (options: GatewayOptions): Promise<Edge> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      const taken = error instanceof Error && /already in use/.test(error.message);
      if (!taken || attempt === TRIES) throw error;
    }
  }
};
