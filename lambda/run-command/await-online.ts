import type { FleetSettings, OperationInput, OperationOutput } from '#contract';
import { isOldAgent, MINIMUM_AGENT } from '../shared/agent-version.ts';
import type { Clock } from '../shared/clock.ts';
import { ConfigurationError, SsmOfflineError } from '../shared/errors.ts';
import type { RunCommands } from './port.ts';

/**
 * One look at whether the instance's agent is connected.
 * @throws SsmOfflineError once `limits.ssmOnlineSeconds` have passed since `since`
 * @throws ConfigurationError where the image's agent is too old for the documents
 */
export const awaitOnline = async (
  ports: { readonly commands: Pick<RunCommands, 'agent'>; readonly clock: Clock },
  { limits }: Pick<FleetSettings, 'limits'>,
  { name, instanceId, since }: OperationInput<'run-command', 'online'>,
): Promise<OperationOutput<'run-command', 'online'>> => {
  const agent = await ports.commands.agent(instanceId);
  if (agent?.pingStatus === 'Online') {
    if (!isOldAgent(agent.version)) return { online: true };
    throw new ConfigurationError({
      what: `SSM agent of ${name} is too old for the fleet's documents`,
      got: agent.version,
      allowed: `${MINIMUM_AGENT.join('.')} or newer`,
      remedy: "build the role's image again from a current Amazon Linux 2023",
    });
  }
  const seconds = Math.round((ports.clock.now().getTime() - since) / 1000);
  if (seconds < limits.ssmOnlineSeconds) return { online: false };
  throw new SsmOfflineError({
    what: `${name} did not register with Systems Manager`,
    got: `${agent?.pingStatus ?? 'nothing'} from ${instanceId} after ${seconds} s`,
    allowed: `online within ${limits.ssmOnlineSeconds} s`,
    remedy:
      "check that the instance has a public address and that its role may reach Systems Manager; see the instance's console output",
  });
};
