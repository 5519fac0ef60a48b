import type { Command } from 'commander';
import { type Fleet, openFleet } from '../fleet.ts';
import type { Io } from '../io.ts';
import type { AmiDoors } from './inventory.ts';

/** The fleet, which must be deployed in this region (an image in another would never be booted), and its clients. */
export const openAmiDoors = async (command: Command, io: Io): Promise<{ fleet: Fleet; doors: AmiDoors }> => {
  const fleet = await openFleet(command, io);
  const [{ EC2Client }, { SSMClient }, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-ssm'),
    import('../doors/clients.ts'),
  ]);
  const settings = clientSettings(fleet.region);
  const { name, region } = fleet;
  return { fleet, doors: { fleet: name, region, ec2: new EC2Client(settings), ssm: new SSMClient(settings) } };
};
