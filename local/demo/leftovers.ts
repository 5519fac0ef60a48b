import {
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { agentKeySecretName, TAG } from '#contract';

export interface Leftover {
  readonly kind: string;
  readonly ids: readonly string[];
}

const ALIVE = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/**
 * Looks for anything of the fleet that costs money or opens doors, past the product's own proof: straight at the
 * services, by the fleet's tag.
 */
export const findLeftovers = async (endpoint: string, region: string, fleet: string): Promise<Leftover[]> => {
  const client = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const ec2 = new EC2Client(client);
  const secretsManager = new SecretsManagerClient(client);
  // The deployment's, not a worker's.
  const own = agentKeySecretName(fleet);
  const tagged = { Name: `tag:${TAG.fleet}`, Values: [fleet] };
  try {
    const [instances, volumes, interfaces, secrets] = await Promise.all([
      ec2.send(new DescribeInstancesCommand({ Filters: [tagged, { Name: 'instance-state-name', Values: ALIVE }] })),
      ec2.send(new DescribeVolumesCommand({ Filters: [tagged] })),
      ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [tagged] })),
      secretsManager.send(
        new ListSecretsCommand({
          Filters: [
            { Key: 'tag-key', Values: [TAG.fleet] },
            { Key: 'tag-value', Values: [fleet] },
          ],
        }),
      ),
    ]);
    const ids = (list: readonly (string | undefined)[] | undefined): string[] => (list ?? []).map((id) => id ?? '');
    const running = (instances.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
    return [
      { kind: 'instances', ids: ids(running.map((instance) => instance.InstanceId)) },
      { kind: 'volumes', ids: ids(volumes.Volumes?.map((volume) => volume.VolumeId)) },
      { kind: 'network interfaces', ids: ids(interfaces.NetworkInterfaces?.map((one) => one.NetworkInterfaceId)) },
      { kind: 'secrets', ids: ids(secrets.SecretList?.map((secret) => secret.Name)).filter((name) => name !== own) },
    ];
  } finally {
    ec2.destroy();
    secretsManager.destroy();
  }
};
