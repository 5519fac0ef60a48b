import type { TestProject } from 'vitest/node';
import { type Cloud, startCloud } from '../../../local/cloud.ts';
import { openDefaultCluster } from './default-cluster.ts';
import { emulatorObstacle } from './emulator.ts';

/** What the tests are told of the one embedded cloud they share. */
export type SharedCloud =
  | {
      readonly available: true;
      readonly endpoint: string;
      readonly fleet: string;
      readonly nodes: string;
      readonly logDirectory: string;
    }
  | { readonly available: false; readonly reason: string };

declare module 'vitest' {
  interface ProvidedContext {
    cloud: SharedCloud;
  }
}

/** Long waits are shortened, limits are not: they are real time and must outlast two busy cores. */
const WAIT_SCALE = 0.3;

/** Played nodes run no scripts: the scenarios are about states, not shell. The demo and the system suite run shell. */
const nodesForScenarios = (): 'played' | 'sandbox' | 'mesh' => {
  const asked = process.env.CARRIERARR_NODE_HOST;
  return asked === 'sandbox' || asked === 'mesh' ? asked : 'played';
};

const start = (): Promise<Cloud> =>
  startCloud({
    name: `scenario-${process.pid}`,
    nodes: nodesForScenarios(),
    waitScale: WAIT_SCALE,
    config: {
      mesh: { addressCooldownSeconds: 1 },
      limits: { ssmOnlineSeconds: 30, sweepMinimumAgeSeconds: 5 },
      agent: { idleMinutes: 0.1, idleWarningMinutes: 0.05 },
    },
  });

/**
 * Brings the cloud up once for all scenarios. Where Python or its packages cannot be had, the scenarios are left out
 * with a loud line; any other failure fails the run.
 */
export default async ({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const reason = await emulatorObstacle();
  if (reason !== undefined) {
    const line = '='.repeat(100);
    console.warn(`\n${line}\nLEFT OUT: every scenario on the embedded cloud. ${reason}\n${line}\n`);
    provide('cloud', { available: false, reason });
    return undefined;
  }
  const cloud = await start();
  try {
    await openDefaultCluster(cloud);
  } catch (error) {
    await cloud.stop({ keepLogs: true });
    throw error;
  }
  const { endpoint, fleet, nodes, directory } = cloud;
  provide('cloud', { available: true, endpoint, fleet, nodes: nodes.kind, logDirectory: `${directory}/logs` });
  return () => cloud.stop();
};
