import { jsonLog } from '../../agent/shared/log.ts';
import { openDoor } from './door.ts';
import { readSettings } from './settings.ts';

/**
 * The mesh door: the one program in the homelab through which pods reach workers and workers reach the control plane.
 * It runs in the network of the node that is in the mesh, without any privilege; docs/homelab.md tells why it exists.
 */
const log = jsonLog((line) => process.stdout.write(line));

const start = (): void => {
  const door = openDoor(readSettings(process.env), log);
  const close = (signal: NodeJS.Signals): void => {
    log('info', 'closing', { signal });
    void door.close().then(() => {
      log('info', 'closed door');
      process.exit(0);
    });
  };
  process.once('SIGTERM', close);
  process.once('SIGINT', close);
};

try {
  start();
} catch (error) {
  log('error', 'unusable', { reason: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
