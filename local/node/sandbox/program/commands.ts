import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Guest, killGroup } from './guest.ts';
import { type Output, openOutput } from './output.ts';
import type { CommandOrder, CommandReport } from './protocol.ts';

/** The agent keeps the first bytes of the output, not the last (amazon-ssm-agent, appconfig/constants.go). */
const STDOUT_BYTES = 24_000;
const STDERR_BYTES = 8_000;

/** Exit code of a script that was stopped, and the one that the agent takes for it. */
const STOPPED = 137;
/** A script that ends with it asks for a restart, after which the agent runs it again. */
const REBOOT = 194;
const REBOOTS_AT_MOST = 5;
/** What Go gives as the exit code of a process that a signal ended. */
const ENDED_BY_SIGNAL = -1;

type Stop = 'TimedOut' | 'Cancelled';

/** A command under way; `stop` takes effect at once, whether or not a script of it runs at the moment. */
class Run {
  stopped: Stop | undefined;
  #stopScript: () => void = () => undefined;

  stop(why: Stop): void {
    this.stopped ??= why;
    this.#stopScript();
  }

  /**
   * Exit code of a script: when it has ended and nobody holds its output open any more, which a daemon it left behind
   * may do for ever. Only a stop cuts that short, as with the real agent (golang/go#13155).
   */
  exitOf(child: ChildProcess, output: Output): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#stopScript = () => {
        killGroup(child);
        output.drop();
        resolve(STOPPED);
      };
      const exit = new Promise<number>((done) => child.once('exit', (code) => done(code ?? ENDED_BY_SIGNAL)));
      child.once('error', reject);
      output.ended().then(async () => resolve(await exit), reject);
      if (this.stopped !== undefined) this.#stopScript();
    });
  }
}

const statusOf = (code: number, stopped: Stop | undefined): CommandReport['status'] => {
  if (stopped !== undefined) return stopped;
  if (code === STOPPED) return 'TimedOut';
  return code === 0 ? 'Success' : 'Failed';
};

export interface CommandsOptions {
  readonly guest: Pick<Guest, 'spawn'>;
  /** Folder in which scripts are kept. */
  readonly orchestration: string;
  /** Environment of every script beside its parameters. */
  readonly environment: NodeJS.ProcessEnv;
  readonly reboot: () => Promise<void>;
}

/** Runs commands as the Systems Manager agent does. */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #runs = new Map<string, Run>();

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async run(order: CommandOrder): Promise<CommandReport> {
    const run = new Run();
    this.#runs.set(order.commandId, run);
    const timer = setTimeout(() => run.stop('TimedOut'), order.timeoutSeconds * 1000);
    try {
      const script = this.#write(order);
      let report = await this.#once(order, script, run);
      for (let reboots = 0; report.exitCode === REBOOT && reboots < REBOOTS_AT_MOST; reboots += 1) {
        await this.#options.reboot();
        report = await this.#once(order, script, run);
      }
      return report;
    } catch (error) {
      return { commandId: order.commandId, status: 'Failed', exitCode: 1, stdout: '', stderr: String(error) };
    } finally {
      clearTimeout(timer);
      this.#runs.delete(order.commandId);
    }
  }

  cancel(commandId: string): void {
    this.#runs.get(commandId)?.stop('Cancelled');
  }

  #write(order: CommandOrder): string {
    const folder = join(this.#options.orchestration, order.commandId, 'awsrunShellScript', '0.awsrunShellScript');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const script = join(folder, '_script.sh');
    writeFileSync(script, order.script, { mode: 0o700 });
    return script;
  }

  async #once(order: CommandOrder, script: string, run: Run): Promise<CommandReport> {
    const environment = { ...this.#options.environment, ...order.environment };
    const output = openOutput(dirname(script), STDOUT_BYTES, STDERR_BYTES);
    const child = this.#options.guest.spawn(['sh', '-c', script], environment, ['ignore', ...output.descriptors]);
    const code = await run.exitOf(child, output);
    const [stdout, stderr] = output.text();
    return {
      commandId: order.commandId,
      status: statusOf(code, run.stopped),
      exitCode: code,
      stdout,
      stderr,
    };
  }
}
