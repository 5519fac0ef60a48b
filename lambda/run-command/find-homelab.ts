import { type FleetSettings, HOMELAB_ROLE, type OperationInput, type OperationOutput, TAG } from '#contract';
import { HomelabOfflineError } from '../shared/errors.ts';
import type { ManagedNode, RunCommands } from './port.ts';

export interface HomelabPorts {
  readonly commands: Pick<RunCommands, 'managed'>;
  readonly settings: Pick<FleetSettings, 'fleet'>;
  /** What precedes a node's id in its ARN. */
  readonly arnPrefix: string;
}

/** A node that was activated again leaves its former self behind, which is offline. */
const newestOnline = (nodes: readonly ManagedNode[]): ManagedNode | undefined =>
  nodes
    .filter(({ pingStatus }) => pingStatus === 'Online')
    .sort((a, b) => b.registeredAt.getTime() - a.registeredAt.getTime() || a.instanceId.localeCompare(b.instanceId))[0];

/**
 * The homelab's node; empty strings where there is none and none is required.
 * @throws HomelabOfflineError
 */
export const findHomelab = async (
  { commands, settings, arnPrefix }: HomelabPorts,
  { name, required }: OperationInput<'homelab', 'find'>,
): Promise<OperationOutput<'homelab', 'find'>> => {
  const nodes = await commands.managed({ [TAG.fleet]: settings.fleet, [TAG.role]: HOMELAB_ROLE });
  const node = newestOnline(nodes);
  if (node !== undefined) return { instanceId: node.instanceId, instanceArn: `${arnPrefix}${node.instanceId}` };
  if (!required) return { instanceId: '', instanceArn: '' };
  throw new HomelabOfflineError({
    what: `${name} needs the homelab's node, and none is online`,
    got: nodes.map(({ instanceId, pingStatus }) => `${instanceId}: ${pingStatus}`).join(', ') || 'no activated node',
    allowed: `a managed node tagged ${TAG.fleet}=${settings.fleet} and ${TAG.role}=${HOMELAB_ROLE} that is online`,
    remedy: 'activate it with carrierarr homelab activate, or start its agent; without Liqo set liqo.enabled to false',
  });
};
