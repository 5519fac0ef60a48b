import { describe, expect, it } from 'vitest';
import { type OperationInput, TAG } from '#contract';
import { closeHandover, openHandover } from '../../../lambda/identity/hand-over.ts';
import { reserveWorker, type TestFleet, testFleet } from './support/fleet.ts';

const NODE = 'arn:aws:ec2:us-west-2:111122223333:instance/i-0123456789abcdef0';
const HOMELAB = 'arn:aws:ssm:us-west-2:111122223333:managed-instance/mi-0123456789abcdef0';
const TEARDOWN = 'arn:aws:states:us-west-2:111122223333:execution:carrierarr-teardown:t1';
const SECRET = 'catalyst-llm/handover-lh-aws';

const setUp = async () => {
  const fleet = testFleet();
  const { worker, execution } = await reserveWorker(fleet, 'lh', { role: 'lighthouse' });
  const life = { name: 'lh', generation: worker.generation };
  const input = { ...life, execution, purpose: 'aws', writer: NODE, reader: HOMELAB } as const;
  return { fleet, life, input };
};
const refusal = (fleet: TestFleet, input: OperationInput<'identity', 'openHandover'>) =>
  openHandover(fleet, input).catch((reason: unknown) => reason);

describe('opening a handover', () => {
  it('makes an empty secret that one node may write and another read', async () => {
    const { fleet, life, input } = await setUp();

    const output = await openHandover(fleet, input);

    expect(output).toEqual({ secretId: SECRET });
    expect(fleet.secrets.versionsOf(SECRET)).toEqual(['{}']);
    expect(fleet.secrets.tagsOf(SECRET)).toEqual({
      [TAG.fleet]: 'carrierarr',
      [TAG.worker]: 'lh',
      [TAG.generation]: life.generation,
      [TAG.execution]: input.execution,
      [TAG.writer]: NODE,
      [TAG.instance]: HOMELAB,
    });
  });

  it('anew binds it to other nodes, and what was in it is nobody’s any more before they are', async () => {
    const { fleet, life, input } = await setUp();
    await openHandover(fleet, input);
    await fleet.secrets.put(SECRET, 'a kubeconfig');
    await fleet.registry.fence(life, TEARDOWN, 600);
    const seen: string[] = [];
    const { tag } = fleet.secrets;
    fleet.secrets.tag = async (id, tags) => {
      seen.push(await fleet.secrets.read(id));
      await tag(id, tags);
    };

    await openHandover(fleet, { ...input, execution: TEARDOWN, writer: 'arn:w', reader: 'arn:r' });

    expect(seen).toEqual(['{}']);
    expect(fleet.secrets.tagsOf(SECRET)).toMatchObject({
      [TAG.execution]: TEARDOWN,
      [TAG.writer]: 'arn:w',
      [TAG.instance]: 'arn:r',
    });
  });

  it('waits for a deletion to end', async () => {
    const { fleet, life, input } = await setUp();
    await openHandover(fleet, input);
    fleet.secrets.holdDeletions();
    await closeHandover(fleet, life);

    expect(await refusal(fleet, input)).toMatchObject({ name: 'NotYetConsistentError', kind: 'retry' });
  });

  it('waits as well where the deletion begins in between', async () => {
    const { fleet, input } = await setUp();
    fleet.secrets.create = async () => 'exists';

    expect(await refusal(fleet, input)).toMatchObject({ name: 'NotYetConsistentError', kind: 'retry' });
  });

  it.each([
    ['somebody made by hand', {}],
    ['of another life', { [TAG.fleet]: 'carrierarr', [TAG.worker]: 'lh', [TAG.generation]: 'mhx00000' }],
  ])('leaves a secret %s as it is', async (_, tags) => {
    const { fleet, input } = await setUp();
    fleet.secrets.plant(SECRET, 'theirs', tags);

    expect(await refusal(fleet, input)).toMatchObject({ name: 'SecretConflictError', kind: 'stop' });
    expect(fleet.secrets.versionsOf(SECRET)).toEqual(['theirs']);
  });

  it.each([
    ['another execution', { execution: 'arn:somebody' }],
    ['another life', { generation: 'mhx00000' }],
    ['a worker that is not there', { name: 'nobody' }],
  ])('is refused to %s', async (_, overrides) => {
    const { fleet, input } = await setUp();

    expect(await refusal(fleet, { ...input, ...overrides })).toMatchObject({ name: 'OwnershipLostError' });
    expect(fleet.secrets.versionsOf(SECRET)).toEqual([]);
  });

  it('is refused to a provision that has been fenced, and leaves nothing where the fence falls in between', async () => {
    const { fleet, life, input } = await setUp();
    const { create } = fleet.secrets;
    fleet.secrets.create = async (...call) => {
      await fleet.registry.fence(life, TEARDOWN, 600);
      return await create(...call);
    };

    const during = await refusal(fleet, input);
    const after = await refusal(fleet, input);

    expect([during, after]).toMatchObject([{ name: 'OwnershipLostError' }, { name: 'OwnershipLostError' }]);
    expect(fleet.secrets.versionsOf(SECRET)).toEqual([]);
  });
});

describe('closing a handover', () => {
  it('deletes all of that life, and says so once', async () => {
    const { fleet, life, input } = await setUp();
    for (const purpose of ['aws', 'homelab', 'clustermesh'] as const) await openHandover(fleet, { ...input, purpose });

    const [first, second] = [await closeHandover(fleet, life), await closeHandover(fleet, life)];

    expect(first.deleted).toEqual(['aws', 'homelab', 'clustermesh'].map((one) => `catalyst-llm/handover-lh-${one}`));
    expect(second.deleted).toEqual([]);
  });

  it('takes every life where the generation is unknown', async () => {
    const { fleet, input } = await setUp();
    await openHandover(fleet, input);

    expect(await closeHandover(fleet, { name: 'lh', generation: '' })).toEqual({ deleted: [SECRET] });
  });

  it('leaves those of another life and of nobody', async () => {
    const { fleet, input } = await setUp();
    await openHandover(fleet, input);
    fleet.secrets.plant('catalyst-llm/handover-lh-homelab', 'by hand');

    expect(await closeHandover(fleet, { name: 'lh', generation: 'mhx00000' })).toEqual({ deleted: [] });
    expect(fleet.secrets.versionsOf(SECRET)).toHaveLength(1);
  });
});
