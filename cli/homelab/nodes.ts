import {
  type Activation,
  DeleteActivationCommand,
  DeregisterManagedInstanceCommand,
  type InstanceInformation,
  paginateDescribeActivations,
  paginateDescribeInstanceInformation,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { HOMELAB_ROLE, TAG } from '#contract';
import { isOldAgent } from '#shared/agent-version.ts';

/** A machine in the homelab that Systems Manager knows by an activation of this fleet. */
export interface HomelabNode {
  readonly id: string;
  /** Online, ConnectionLost or Inactive. */
  readonly state: string;
  readonly agentVersion: string;
  readonly agentTooOld: boolean;
  readonly address: string;
  readonly lastSeen: string | null;
  readonly activationId: string;
}

/** An activation that somebody may still register with. */
export interface OpenActivation {
  readonly id: string;
  readonly expiresAt: string | null;
}

/** The same three filters as the fleet's own function uses: tags come from the activation. */
const filtersOf = (fleet: string) => [
  { Key: `tag:${TAG.fleet}`, Values: [fleet] },
  { Key: `tag:${TAG.role}`, Values: [HOMELAB_ROLE] },
  { Key: 'ResourceType', Values: ['ManagedInstance'] },
];

const asNode = (information: InstanceInformation): HomelabNode => ({
  id: information.InstanceId ?? '',
  state: information.PingStatus ?? 'unknown',
  agentVersion: information.AgentVersion ?? '',
  agentTooOld: isOldAgent(information.AgentVersion ?? ''),
  address: information.IPAddress ?? '',
  lastSeen: information.LastPingDateTime?.toISOString() ?? null,
  activationId: information.ActivationId ?? '',
});

/** Every node of the homelab, those that are gone included, the one that answers first. */
export const listNodes = async (client: SSMClient, fleet: string): Promise<HomelabNode[]> => {
  const nodes: HomelabNode[] = [];
  const pages = paginateDescribeInstanceInformation({ client }, { Filters: filtersOf(fleet) });
  for await (const { InstanceInformationList = [] } of pages) nodes.push(...InstanceInformationList.map(asNode));
  return nodes.sort((a, b) => Number(b.state === 'Online') - Number(a.state === 'Online') || a.id.localeCompare(b.id));
};

const carries = ({ Tags = [] }: Activation, key: string, value: string): boolean =>
  Tags.some((tag) => tag.Key === key && tag.Value === value);

/** The fleet's activations, used up and expired ones included: Systems Manager cannot filter them by tag. */
const listActivations = async (client: SSMClient, fleet: string): Promise<Activation[]> => {
  const activations: Activation[] = [];
  for await (const { ActivationList = [] } of paginateDescribeActivations({ client }, {})) {
    activations.push(
      ...ActivationList.filter((one) => carries(one, TAG.fleet, fleet) && carries(one, TAG.role, HOMELAB_ROLE)),
    );
  }
  return activations;
};

const isOpen = ({ Expired, ExpirationDate, RegistrationsCount = 0, RegistrationLimit = 1 }: Activation, now: Date) =>
  Expired !== true && RegistrationsCount < RegistrationLimit && (ExpirationDate === undefined || ExpirationDate > now);

export const listOpenActivations = async (client: SSMClient, fleet: string, now: Date): Promise<OpenActivation[]> =>
  (await listActivations(client, fleet))
    .filter((activation) => isOpen(activation, now))
    .map(({ ActivationId = '', ExpirationDate }) => ({
      id: ActivationId,
      expiresAt: ExpirationDate?.toISOString() ?? null,
    }));

export interface Removed {
  readonly nodes: string[];
  readonly activations: string[];
}

/** Deregisters every node and deletes every activation of the fleet, so that nothing can register or be commanded. */
export const removeAll = async (client: SSMClient, fleet: string): Promise<Removed> => {
  const removed: Removed = { nodes: [], activations: [] };
  // Activations first: nobody registers in between.
  for (const { ActivationId } of await listActivations(client, fleet)) {
    if (ActivationId === undefined) continue;
    await client.send(new DeleteActivationCommand({ ActivationId }));
    removed.activations.push(ActivationId);
  }
  for (const { id } of await listNodes(client, fleet)) {
    await client.send(new DeregisterManagedInstanceCommand({ InstanceId: id }));
    removed.nodes.push(id);
  }
  return removed;
};
