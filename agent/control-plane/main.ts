import { jsonLog, type Log, reasonOf } from '../shared/log.ts';
import { VERSION } from '../shared/version.ts';
import { createPublisher } from './aws/publisher.ts';
import { helpText } from './options.ts';
import { readSettings, type Settings } from './settings.ts';
import { startControlPlane } from './start.ts';

// Where agents report, and where the homelab sees and commands its fleet: docs/control-plane.md.
const write = (line: string): unknown => process.stdout.write(line);

const run = async (settings: Settings, log: Log): Promise<void> => {
  // Before anything else: the first process of a container does not end by a signal that nobody listens for.
  const close = (signal: NodeJS.Signals): void => {
    log('info', 'closing', { signal });
    void starting
      .then((plane) => plane.close())
      .then(() => {
        log('info', 'closed');
        process.exit(0);
      });
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  const starting = startControlPlane(settings, {
    log,
    processMetrics: true,
    observerFor: (registry) => createPublisher(process.env, log, registry),
  });
  await starting;
};

const unusable = (error: unknown): void => {
  jsonLog(write)('error', 'unusable', { reason: reasonOf(error) });
  process.exitCode = 1;
};

const start = (argv: readonly string[]): void => {
  const settings = readSettings(argv, process.env);
  const log = jsonLog(write, { minimum: settings.logLevel });
  process.on('uncaughtException', (error) => {
    log('error', 'unexpected', { reason: reasonOf(error), stack: error.stack });
    process.exit(1);
  });
  run(settings, log).catch((error: unknown) => {
    unusable(error);
    process.exit();
  });
};

const asked = process.argv.slice(2);
try {
  if (asked.includes('--help') || asked.includes('-h')) write(helpText());
  else if (asked.includes('--version')) write(`${VERSION}\n`);
  else start(asked);
} catch (error) {
  unusable(error);
}
