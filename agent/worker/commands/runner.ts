import { type Command, CommandType } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { systemClock } from '../clock.ts';
import type { Clock, CommandRunner, Controls, Settings, System } from '../ports.ts';
import { oneLine } from '../text.ts';
import { drain } from './drain.ts';
import { exec } from './exec.ts';
import { failed, type Handler, type Outcome, refused, TIMED_OUT } from './outcome.ts';
import { reboot, shutdown } from './power.ts';
import { pullModel } from './pull-model.ts';
import { restartService } from './restart-service.ts';
import { unloadModel } from './unload-model.ts';
import { updateConfig } from './update-config.ts';

const HANDLERS: Readonly<Partial<Record<CommandType, Handler>>> = {
  [CommandType.SHUTDOWN]: shutdown,
  [CommandType.REBOOT]: reboot,
  [CommandType.DRAIN]: drain,
  [CommandType.PULL_MODEL]: pullModel,
  [CommandType.UNLOAD_MODEL]: unloadModel,
  [CommandType.EXEC]: exec,
  [CommandType.UPDATE_CONFIG]: updateConfig,
  [CommandType.RESTART_SERVICE]: restartService,
};
const NAMES = Object.keys(HANDLERS).map((type) => CommandType[Number(type)]);

const isTimeout = (signal: AbortSignal): boolean =>
  signal.aborted && signal.reason instanceof Error && signal.reason.name === 'TimeoutError';

/** What was cut short says so, whatever its program's last words were. */
const cutShort = (outcome: Outcome, signal: AbortSignal): Outcome => {
  if (outcome.success || !signal.aborted) return outcome;
  if (isTimeout(signal))
    return { ...outcome, exitCode: TIMED_OUT, error: `the command's time was over; ${outcome.error ?? ''}` };
  return { ...outcome, error: `the agent ends; ${outcome.error ?? ''}` };
};

/** Makes what runs the control plane's commands: a closed list, each with arguments of its own, none with a shell. */
export const createCommandRunner = (
  settings: Settings,
  system: System,
  controls: Controls,
  clock: Clock = systemClock,
): CommandRunner => {
  const tools = { settings, system, controls, clock };
  const run = async ({ type, args, timeoutSeconds }: Command, signal: AbortSignal): Promise<Outcome> => {
    const handler = HANDLERS[type];
    if (handler === undefined) return refused(`unknown command ${type}: this agent knows ${NAMES.join(', ')}`);
    try {
      return cutShort(await handler(tools, { args, timeoutSeconds: Math.max(0, timeoutSeconds), signal }), signal);
    } catch (error) {
      return failed(oneLine(error instanceof Error ? error.message : String(error)));
    }
  };
  return { run: async (command, signal) => ({ commandId: command.commandId, ...(await run(command, signal)) }) };
};
