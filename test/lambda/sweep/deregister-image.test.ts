import { describe, expect, it } from 'vitest';
import { deregisterImage } from '../../../lambda/sweep/deregister-image.ts';
import { aReservedLife } from '../../fake/registry-builders.ts';
import { aFleet, type Fleet, instanceTags } from './builders.ts';

const amiId = 'ami-0123456789abcdef0';
const input = { name: 'gpu-worker-001', amiId };

const withImage = (ownedByUs = true) => {
  const fleet = aFleet();
  fleet.ec2.images.set(amiId, { imageId: amiId, name: 'catalyst-gpu', ownedByUs, snapshots: ['snap-1', 'snap-2'] });
  return fleet;
};

describe('deregistering a worker’s image', () => {
  it('takes its snapshots along', async () => {
    const { ports, ec2 } = withImage();

    expect(await deregisterImage(ports, input)).toEqual({ outcome: 'deregistered', snapshots: ['snap-1', 'snap-2'] });
    expect(ec2.images.size).toBe(0);
  });

  it('twice in a row finds nothing the second time', async () => {
    const { ports } = withImage();

    await deregisterImage(ports, input);

    expect(await deregisterImage(ports, input)).toEqual({ outcome: 'absent', snapshots: [] });
  });

  it('has nothing to do when no image was ever launched', async () => {
    expect(await deregisterImage(withImage().ports, { ...input, amiId: '' })).toMatchObject({ outcome: 'absent' });
  });

  it('never touches an image of another account', async () => {
    const { ports, ec2 } = withImage(false);

    expect(await deregisterImage(ports, input)).toEqual({ outcome: 'not-ours', snapshots: [] });
    expect(ec2.images.size).toBe(1);
  });

  it.each<[string, (fleet: Fleet) => unknown]>([
    ['the AMI parameter of its role', ({ parameters }) => parameters.set('/carrierarr/ami/gpu-worker', amiId)],
    ['the AMI parameter of the other role', ({ parameters }) => parameters.set('/carrierarr/ami/lighthouse', amiId)],
    [
      'an instance of another worker',
      ({ ec2 }) => ec2.plant({ tags: instanceTags('other', 'mhx0000a'), imageId: amiId }),
    ],
    ['an instance that is none of the fleet’s', ({ ec2 }) => ec2.plant({ tags: {}, imageId: amiId })],
    [
      'a worker of that name in another fleet',
      ({ ec2 }) =>
        ec2.plant({ tags: instanceTags(input.name, 'mhx0000a', { 'carrierarr:fleet': 'other' }), imageId: amiId }),
    ],
    ['a stopped instance', ({ ec2 }) => ec2.stop(ec2.plant({ tags: {}, imageId: amiId }))],
    [
      'a worker that is yet to be launched from it',
      ({ registry }) => aReservedLife(registry, 'other', { worker: { amiId } }),
    ],
  ])('leaves it while it is referred to by %s', async (_, refer) => {
    const fleet = withImage();
    await refer(fleet);

    expect(await deregisterImage(fleet.ports, input)).toEqual({ outcome: 'in-use', snapshots: [] });
    expect(fleet.ec2.images.size).toBe(1);
  });

  it('does not wait for the worker’s own instance, which is on its way out', async () => {
    const { ports, ec2, registry } = withImage();
    await aReservedLife(registry, input.name, { worker: { amiId } });
    await ec2.terminate([ec2.plant({ tags: instanceTags(input.name, 'mhx0000a'), imageId: amiId })]);

    expect(await deregisterImage(ports, input)).toMatchObject({ outcome: 'deregistered' });
  });
});
