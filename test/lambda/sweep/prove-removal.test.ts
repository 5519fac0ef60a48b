import { describe, expect, it } from 'vitest';
import { proveRemoval } from '../../../lambda/sweep/prove-removal.ts';
import { aFleet, type Fleet, instanceTags } from './builders.ts';

const life = { name: 'gpu-worker-001', generation: 'mhx0000a' };
const SECRET = 'catalyst-llm/nebula-gpu-worker-001';

const HANDOVERS = ['aws', 'homelab', 'clustermesh'].map((purpose) => `catalyst-llm/handover-gpu-worker-001-${purpose}`);

const input = (
  { clock }: Fleet,
  overrides: { instanceId?: string; proveAfter?: number; generation?: string } = {},
) => ({
  ...life,
  instanceId: '',
  proveAfter: clock.now().getTime(),
  since: clock.now().getTime(),
  ...overrides,
});

/** An instance that was terminated and is gone. */
const aGoneInstance = async ({ ec2, clock }: Fleet, market: 'spot' | 'on-demand' = 'on-demand') => {
  const spot = market === 'spot' ? { market, spotRequestId: 'sir-1' } : {};
  const id = ec2.plant({ tags: instanceTags(life.name, life.generation), ...spot });
  await ec2.terminate([id]);
  clock.advance(ec2.terminationMs);
  return id;
};

describe('the proof of a removal', () => {
  it('is clean when nothing is left, and says where it looked', async () => {
    const fleet = aFleet();
    const instanceId = await aGoneInstance(fleet, 'spot');

    const output = await proveRemoval(fleet.ports, input(fleet, { instanceId }));

    expect(output).toEqual({
      clean: true,
      leftovers: [],
      checked: [
        'instances tagged carrierarr:worker=gpu-worker-001',
        'instances named after gpu-worker-001',
        'volumes tagged carrierarr:worker=gpu-worker-001',
        `network interfaces of ${instanceId}`,
        `Spot requests of ${instanceId}`,
        `secret ${SECRET}`,
        ...HANDOVERS.map((name) => `secret ${name}`),
      ],
    });
  });

  it.each(HANDOVERS)(
    'does not pass while %s of this life is there, and another life’s is not its business',
    async (name) => {
      const fleet = aFleet();
      fleet.secrets.plant(name, instanceTags(life.name, life.generation));

      const before = await proveRemoval(fleet.ports, input(fleet));
      fleet.secrets.plant(name, instanceTags(life.name, 'mhx0000b'));
      const after = await proveRemoval(fleet.ports, input(fleet));

      expect(before).toMatchObject({ clean: false, leftovers: [`secret ${name}`] });
      expect(after.clean).toBe(true);
    },
  );

  it('is not clean, and looks nowhere, before a launch in flight at the fence must have ended', async () => {
    const fleet = aFleet();

    const output = await proveRemoval(fleet.ports, input(fleet, { proveAfter: fleet.clock.now().getTime() + 1 }));

    expect(output).toEqual({ clean: false, checked: [], leftovers: [] });
  });

  it('does not pass while an instance is shutting down with its disk, its interface and its Spot request', async () => {
    const fleet = aFleet();
    const tags = instanceTags(life.name, life.generation);
    const id = fleet.ec2.plant({ tags, market: 'spot', spotRequestId: 'sir-1' });
    await fleet.ec2.terminate([id]);

    const output = await proveRemoval(fleet.ports, input(fleet));

    expect(output.clean).toBe(false);
    expect(output.leftovers).toEqual([
      `instance ${id} (shutting-down)`,
      expect.stringMatching(/^volume vol-/),
      expect.stringMatching(/^network interface eni-/),
      'Spot request sir-1 (active)',
    ]);
  });

  it('finds a disk that outlived its instance', async () => {
    const fleet = aFleet();
    const id = await aGoneInstance(fleet);
    fleet.ec2.plantVolume(id, instanceTags(life.name, life.generation, { extra: 'yes' }));

    const output = await proveRemoval(fleet.ports, input(fleet));

    expect(output.leftovers).toEqual([expect.stringMatching(/^volume vol-/)]);
  });

  it('finds an instance that has lost every tag but its name', async () => {
    const fleet = aFleet();
    const id = fleet.ec2.plant({ tags: { Name: 'carrierarr-gpu-worker-001' } });

    const output = await proveRemoval(fleet.ports, input(fleet));

    expect(output.leftovers).toContain(`instance ${id} (pending)`);
    expect(fleet.ec2.alive()).toHaveLength(1);
  });

  it('ends a latecomer: what a launch in flight made after the terminate step', async () => {
    const fleet = aFleet();
    const id = fleet.ec2.plant({ tags: instanceTags(life.name, life.generation) });

    const first = await proveRemoval(fleet.ports, input(fleet));
    fleet.clock.advance(fleet.ec2.terminationMs);
    const second = await proveRemoval(fleet.ports, input(fleet));

    expect(first.leftovers).toContain(`instance ${id} (pending)`);
    expect(second.clean).toBe(true);
  });

  it.each([
    ['another life of the name', instanceTags(life.name, 'mhx0000b')],
    ['the same name in another fleet', instanceTags(life.name, life.generation, { 'carrierarr:fleet': 'other' })],
  ])('leaves %s alone', async (_, tags) => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags });

    const output = await proveRemoval(fleet.ports, input(fleet));

    expect(output.clean).toBe(true);
    expect(fleet.ec2.alive()).toHaveLength(1);
  });

  it('covers every life of the name when the generation is unknown', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: instanceTags(life.name, 'mhx0000b') });
    fleet.secrets.plantFor(life.name, 'mhx0000c');

    const output = await proveRemoval(fleet.ports, input(fleet, { generation: '' }));

    expect(output.leftovers).toContain(`secret ${SECRET}`);
    expect(output.leftovers).toContainEqual(expect.stringMatching(/^instance/));
  });

  it('finds the secret of this life', async () => {
    const fleet = aFleet();
    fleet.secrets.plantFor(life.name, life.generation);

    expect((await proveRemoval(fleet.ports, input(fleet))).leftovers).toEqual([`secret ${SECRET}`]);
  });

  it.each<[string, (fleet: Fleet) => void]>([
    [
      'is scheduled for deletion',
      ({ secrets }) => {
        secrets.plantFor(life.name, life.generation);
        secrets.markDeleted(SECRET);
      },
    ],
    ['belongs to the next life', ({ secrets }) => void secrets.plantFor(life.name, 'mhx0000b')],
    [
      'belongs to another fleet',
      ({ secrets }) => void secrets.plantFor(life.name, life.generation, { 'carrierarr:fleet': 'other' }),
    ],
    ['was made by hand', ({ secrets }) => void secrets.plant(SECRET, {})],
  ])('does not count a secret that %s', async (_, plant) => {
    const fleet = aFleet();
    plant(fleet);

    expect(await proveRemoval(fleet.ports, input(fleet))).toMatchObject({ clean: true });
  });

  it('looks again for two minutes, then fails with everything that stayed', async () => {
    const fleet = aFleet();
    fleet.secrets.plantFor(life.name, life.generation);
    const question = input(fleet);
    fleet.clock.advance(120_000);
    expect(await proveRemoval(fleet.ports, question)).toMatchObject({ clean: false });
    fleet.clock.advance(1);

    await expect(proveRemoval(fleet.ports, question)).rejects.toMatchObject({
      name: 'ProofFailedError',
      message: expect.stringContaining(`secret ${SECRET}`),
    });
  });

  it('counts the two minutes from the instant it may look, not from when it was first asked', async () => {
    const fleet = aFleet();
    fleet.secrets.plantFor(life.name, life.generation);
    const question = input(fleet, { proveAfter: fleet.clock.now().getTime() + 70_000 });
    fleet.clock.advance(150_000);

    expect(await proveRemoval(fleet.ports, question)).toMatchObject({ clean: false });
  });
});
