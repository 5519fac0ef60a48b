import { ConfigurationError } from '#shared/errors.ts';
import type { RunningNode } from '../host.ts';

const START_SECONDS = 20;

/** Runs a script of ours on a machine of the homelab. @throws ConfigurationError with the script's last words */
export const runScript = async (node: RunningNode, what: string, script: string): Promise<void> => {
  const { status, stderr } = await node.run({
    commandId: what.replaceAll(' ', '-'),
    script,
    environment: {},
    timeoutSeconds: START_SECONDS,
  });
  if (status === 'Success') return;
  throw new ConfigurationError({
    what: `${what} of the homelab did not start`,
    got: stderr.slice(-500),
    remedy: 'check that this machine has memory to spare, and that the nebula on PATH is 1.6 or newer',
  });
};
