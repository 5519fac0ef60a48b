import { DescribeInstancesCommand, DescribeVolumesCommand, type Instance } from '@aws-sdk/client-ec2';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { expect } from 'vitest';
import { secretName, TAG, type WorkerView } from '#contract';
import { eventually } from './executions.ts';
import { api, clients } from './fleet.ts';

const byWorker = (name: string) => [{ Name: `tag:${TAG.worker}`, Values: [name] }];

/** Instances tagged with the worker's name, terminated ones left out: asked of EC2, not of the registry. */
export const instancesOf = async (name: string): Promise<Instance[]> => {
  const { Reservations } = await clients.ec2.send(new DescribeInstancesCommand({ Filters: byWorker(name) }));
  return (Reservations ?? [])
    .flatMap((reservation) => reservation.Instances ?? [])
    .filter((instance) => instance.State?.Name !== 'terminated');
};

/** Tags of the worker's secret, or undefined where there is none. */
export const secretOf = async (name: string): Promise<Record<string, string> | undefined> => {
  try {
    const secret = await clients.secrets.send(
      new DescribeSecretCommand({ SecretId: secretName('catalyst-llm', name) }),
    );
    if (secret.DeletedDate !== undefined) return undefined;
    return Object.fromEntries((secret.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
};

export const workerOf = async (name: string): Promise<WorkerView> => (await api()).worker(name);

/** Nothing of the worker is left: no machine, no volume, no secret; its row is history. */
export const expectGone = async (name: string): Promise<void> => {
  expect(await instancesOf(name)).toEqual([]);
  const { Volumes } = await clients.ec2.send(new DescribeVolumesCommand({ Filters: byWorker(name) }));
  expect(Volumes ?? []).toEqual([]);
  expect(await secretOf(name)).toBeUndefined();
  expect((await workerOf(name)).phase).toBe('REMOVED');
};

/** The same for what runs on its own: a rescue or a sweep needs a moment. */
export const eventuallyRemoved = async (name: string): Promise<void> => {
  await eventually(
    `${name} removed`,
    async () => ((await workerOf(name)).phase === 'REMOVED' ? true : undefined),
    // The API lets ten requests through a second, and many scenarios look at once.
    2_000,
  );
  await expectGone(name);
};
