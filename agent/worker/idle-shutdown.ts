import { create } from '@bufbuild/protobuf';
import { CommandSchema, CommandType, type NodeStatus } from '../proto/generated/ec2agent/v1/agent_pb.js';
import type { Log } from '../shared/log.ts';
import type { CommandDesk } from './connection/command-desk.ts';
import type { Clock, LiveSettings, Settings } from './ports.ts';

export interface IdleParts {
  readonly settings: Pick<Settings, 'nodeType'>;
  readonly live: LiveSettings;
  readonly desk: Pick<CommandDesk, 'self'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A shutdown that fails is tried again after this long. */
const AGAIN_MILLISECONDS = 300_000;

/**
 * Shuts the node down once it has been idle for as long as the control plane allows; also while that cannot be
 * reached. Never a lighthouse: it has no work of its own, and all other nodes hang on it.
 *
 * @returns what wants each status
 */
export const idleShutdown = ({ settings, live, desk, clock, log }: IdleParts): ((status: NodeStatus) => void) => {
  let tried: number | undefined;
  return ({ idleSeconds }) => {
    const { idleShutdownMinutes } = live.values;
    const idle = Number(idleSeconds);
    if (idleShutdownMinutes === 0 || idle < idleShutdownMinutes * 60 || settings.nodeType === 'lighthouse') {
      tried = undefined;
      return;
    }
    if (tried !== undefined && clock.monotonic() - tried < AGAIN_MILLISECONDS) return;
    tried = clock.monotonic();
    log('warn', 'idle shutdown', { idleSeconds: idle, idleShutdownMinutes });
    const command = create(CommandSchema, { commandId: 'idle-shutdown', type: CommandType.SHUTDOWN });
    void desk.self(command).then(({ success, error }) => {
      if (!success) log('error', 'idle shutdown failed', { reason: error });
    });
  };
};
