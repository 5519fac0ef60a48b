import type { SSMClient } from '@aws-sdk/client-ssm';
import { MINIMUM_AGENT } from '#shared/agent-version.ts';
import { type HomelabNode, listNodes, listOpenActivations } from '../homelab/nodes.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const CHECK = 'homelab node';

const withoutNode = async (client: SSMClient, fleet: string, now: Date): Promise<Finding> => {
  const [open] = await listOpenActivations(client, fleet, now);
  return open === undefined
    ? warn(
        CHECK,
        'none activated: Liqo and peering need one, workers join the mesh without',
        'run `carrierarr homelab activate`; see docs/homelab.md',
      )
    : warn(
        CHECK,
        `nobody has registered with activation ${open.id} yet`,
        'run the command that `carrierarr homelab activate` printed, or make another with --replace',
      );
};

const judge = ({ id, state, agentVersion, agentTooOld, lastSeen }: HomelabNode): Finding => {
  if (state !== 'Online')
    return warn(
      CHECK,
      `${id} is ${state}, last seen ${lastSeen ?? 'never'}`,
      'look at `kubectl -n carrierarr-ssm logs statefulset/ssm-node`; if it is gone for good: `carrierarr homelab activate --replace`',
    );
  if (agentTooOld)
    return fail(
      CHECK,
      `${id} runs SSM agent ${agentVersion}, the fleet's documents need ${MINIMUM_AGENT.join('.')}`,
      'build the image homelab/ssm-node again, or update the agent on that machine',
    );
  return ok(CHECK, `${id} is online, agent ${agentVersion || 'unknown'}`);
};

/** The homelab's own node (a hybrid activation, `mi-…`), through which the cluster phases work in the homelab. */
export const checkHomelab = async (client: SSMClient, fleet: string, now: Date): Promise<Finding[]> => {
  const nodes = await listNodes(client, fleet);
  const online = nodes.filter(({ state }) => state === 'Online');
  if (nodes.length === 0) return [await withoutNode(client, fleet, now)];
  if (online.length > 1)
    return [
      fail(
        CHECK,
        `${online.length} are online: ${online.map(({ id }) => id).join(', ')}; a step may reach any of them`,
        'keep one: `carrierarr homelab deactivate`, then `carrierarr homelab activate`',
      ),
    ];
  return nodes.map(judge);
};
