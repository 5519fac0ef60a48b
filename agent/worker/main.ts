import { jsonLog, reasonOf } from '../shared/log.ts';
import { VERSION } from '../shared/version.ts';
import { systemClock as clock } from './clock.ts';
import { createCommandRunner } from './commands/runner.ts';
import { HELP } from './help.ts';
import { createReporter, watchInterruption } from './report/reporter.ts';
import { runAgent } from './run-agent.ts';
import { readSettings } from './settings.ts';
import { thisSystem as system } from './system/system.ts';

/** The worker agent: tells the control plane how its node is, and does what it is told to. See docs/worker-agent.md. */
const start = (environment: NodeJS.ProcessEnv, argv: readonly string[]): void => {
  const settings = readSettings(environment, argv, system);
  const log = jsonLog((line) => process.stdout.write(line), { minimum: settings.logLevel });
  const agent = runAgent({
    settings,
    environment,
    system,
    clock,
    log,
    reporter: () => createReporter(settings, system, clock, { log }),
    runner: (controls) => createCommandRunner(settings, system, controls, clock),
    watch: (controls) => watchInterruption(system, controls),
  });
  const close = (signal: NodeJS.Signals): void => {
    log('info', 'signal', { signal });
    void agent.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', close);
  process.once('SIGINT', close);
  // A promise that nobody waited for leaves the loops as they are; anything else leaves nothing that can be relied on.
  process.on('unhandledRejection', (reason) => log('error', 'unhandled rejection', { reason: reasonOf(reason) }));
};

try {
  if (process.argv.includes('--version')) process.stdout.write(`${VERSION}\n`);
  else if (process.argv.includes('--help')) process.stdout.write(HELP);
  else start(process.env, process.argv.slice(2));
} catch (error) {
  jsonLog((line) => process.stdout.write(line))('error', 'unusable', { reason: reasonOf(error) });
  process.exitCode = 1;
}
