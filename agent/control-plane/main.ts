import { jsonLog, type Log, reasonOf } from '../shared/log.ts';
import { createPublisher } from './aws/publisher.ts';
import { helpText } from './options.ts';
import { readSettings } from './settings.ts';
import { startControlPlane } from './start.ts';

// Where agents report, and where the homelab sees and commands its fleet: docs/control-plane.md.
const write = (line: string): unknown => process.stdout.write(line);

const run = async (log: Log): Promise<void> => {
  const plane = await startControlPlane(readSettings(process.argv.slice(2), process.env), {
    log,
    processMetrics: true,
    observerFor: (registry) => createPublisher(process.env, log, registry),
  });
  const close = (signal: NodeJS.Signals): void => {
    log('info', 'closing', { signal });
    void plane.close().then(() => {
      log('info', 'closed');
      process.exit(0);
    });
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
};

const asked = process.argv.slice(2);
if (asked.includes('--help') || asked.includes('-h')) write(helpText());
else {
  const level = process.env.LOG_LEVEL;
  const log = jsonLog(write, { minimum: level === 'debug' || level === 'warn' || level === 'error' ? level : 'info' });
  process.on('uncaughtException', (error) => {
    log('error', 'unexpected', { reason: reasonOf(error), stack: error.stack });
    process.exit(1);
  });
  run(log).catch((error: unknown) => {
    log('error', 'unusable', { reason: reasonOf(error) });
    process.exit(1);
  });
}
