import { describe, expect, it } from 'vitest';
import type { FleetRequest } from '#shared/aws/ec2-port.ts';
import { launchWorker } from '../../../lambda/launch/launch-worker.ts';
import { aLaunch, settings } from './builders.ts';

const asked = (request: FleetRequest): string =>
  `${request.market} ${request.pools.map((pool) => `${pool.instanceType}/${pool.availabilityZone.slice(-1)}`).join(' ')}`;

describe('no capacity', () => {
  it('in the first zone leads to the second', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { 'spot */us-west-2a': 'InsufficientInstanceCapacity' };

    const output = await launchWorker(ports, input);

    expect(output).toMatchObject({ availabilityZone: 'us-west-2b', instanceType: 'g4dn.xlarge', market: 'spot' });
  });

  it('for the first type in every zone leads to the second type', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { 'spot g4dn.xlarge/*': 'InsufficientInstanceCapacity' };

    const output = await launchWorker(ports, input);

    expect(output).toMatchObject({ availabilityZone: 'us-west-2a', instanceType: 'g5.xlarge' });
    expect(ec2.fleetRequests.map(asked)).toEqual([
      'spot g4dn.xlarge/a g4dn.xlarge/b g4dn.xlarge/c',
      'spot g5.xlarge/a g5.xlarge/b g5.xlarge/c',
    ]);
  });

  it('on Spot anywhere leads to on-demand where that is allowed', async () => {
    const { ports, input, ec2 } = await aLaunch({ market: 'spot', onDemandFallback: true });
    ec2.refusals = { 'spot */*': 'InsufficientInstanceCapacity' };

    const output = await launchWorker(ports, input);

    expect(output.market).toBe('on-demand');
    expect(new Set(ec2.fleetRequests.map((request) => request.clientToken)).size).toBe(3);
  });

  it('on Spot anywhere ends in a CapacityError that names every pool, its code and the fall-back, where it is not allowed', async () => {
    const { ports, input, ec2 } = await aLaunch({ market: 'spot', onDemandFallback: false });
    ec2.refusals = { 'spot */*': 'InsufficientInstanceCapacity', 'spot g5.xlarge/us-west-2c': 'SpotMaxPriceTooLow' };

    const failure = launchWorker(ports, input);

    await expect(failure).rejects.toMatchObject({ name: 'CapacityError', kind: 'fallback' });
    await expect(failure).rejects.toThrow('spot g4dn.xlarge/us-west-2a: InsufficientInstanceCapacity');
    await expect(failure).rejects.toThrow('spot g5.xlarge/us-west-2c: SpotMaxPriceTooLow');
    await expect(failure).rejects.toThrow('allow the on-demand fall-back');
    expect(ec2.fleetRequests.every((request) => request.market === 'spot')).toBe(true);
  });

  it('anywhere in both markets ends in a CapacityError', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { '*': 'InsufficientInstanceCapacity' };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({
      name: 'CapacityError',
      message: expect.stringContaining('on-demand g5.xlarge/us-west-2c'),
    });
  });

  it.each(['InsufficientFreeAddressesInSubnet', 'Unsupported', 'SomethingEc2HasNotSaidBefore'])(
    'of another kind (%s) costs one pool only',
    async (code) => {
      const { ports, input, ec2 } = await aLaunch();
      ec2.refusals = { 'spot g4dn.xlarge/us-west-2a': code };

      await expect(launchWorker(ports, input)).resolves.toMatchObject({ availabilityZone: 'us-west-2b' });
    },
  );
});

describe('quotas', () => {
  it('of Spot lead to on-demand at once, without asking the other Spot pools', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.quota.spot = 0;

    const output = await launchWorker(ports, input);

    expect(output.market).toBe('on-demand');
    expect(ec2.fleetRequests.map((request) => request.market)).toEqual(['spot', 'on-demand']);
  });

  it('of both markets end in a QuotaError with the quotas to ask for', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.quota = { spot: 0, 'on-demand': 0 };

    const failure = launchWorker(ports, input);

    await expect(failure).rejects.toMatchObject({ name: 'QuotaError', kind: 'fallback' });
    await expect(failure).rejects.toThrow(/MaxSpotInstanceCountExceeded.*VcpuLimitExceeded.*L-DB2E81BA/);
  });

  it('of on-demand alone, after Spot without capacity, are named beside it', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { 'spot */*': 'InsufficientInstanceCapacity' };
    ec2.quota['on-demand'] = 0;

    const failure = launchWorker(ports, input);

    await expect(failure).rejects.toMatchObject({ name: 'CapacityError' });
    await expect(failure).rejects.toThrow(/InsufficientInstanceCapacity.*VcpuLimitExceeded.*vCPU quota/);
  });
});

describe('pools that EC2 leaves untried', () => {
  it('are asked for again, with a token of their own', async () => {
    const { ports, input, ec2, clock } = await aLaunch({ instanceTypes: ['g4dn.xlarge'] });
    ec2.refusals = { '*': 'UnfulfillableCapacity' };
    const started = clock.now().getTime();
    ec2.beforeAnswer = async () => {
      ec2.refusals = {};
    };

    await expect(launchWorker(ports, input)).resolves.toMatchObject({ market: 'spot' });

    const [first, second] = ec2.fleetRequests;
    expect(first?.pools).toEqual(second?.pools);
    expect(first?.clientToken).not.toBe(second?.clientToken);
    expect(clock.now().getTime() - started).toBeGreaterThanOrEqual(1_000);
  });

  it('again and again count as without capacity', async () => {
    const { ports, input, ec2 } = await aLaunch({ instanceTypes: ['g4dn.xlarge'], onDemandFallback: false });
    ec2.refusals = { '*': 'UnfulfillableCapacity' };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'CapacityError' });

    expect(ec2.fleetRequests).toHaveLength(2);
  });

  it('come after those that have not been asked for at all', async () => {
    const { ports, input, ec2 } = await aLaunch({ onDemandFallback: false });
    ec2.refusals = { 'spot g4dn.xlarge/us-west-2a': 'UnfulfillableCapacity', '*': 'InsufficientInstanceCapacity' };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'CapacityError' });

    expect(ec2.fleetRequests.map(asked)).toEqual([
      'spot g4dn.xlarge/a g4dn.xlarge/b g4dn.xlarge/c',
      'spot g5.xlarge/a g5.xlarge/b g5.xlarge/c',
      'spot g4dn.xlarge/a',
    ]);
  });
});

describe('what no other pool can mend', () => {
  it.each([
    ['UnauthorizedOperation', 'PermissionError', 'iam:PassRole'],
    ['AuthFailure.ServiceLinkedRoleCreationNotPermitted', 'PermissionError', 'service-linked roles'],
    ['SsmAccessDenied', 'ConfigurationError', '/carrierarr/ami/gpu-worker'],
    ['InvalidParameterValue', 'ConfigurationError', 'carrierarr doctor'],
    ['InvalidLaunchTemplateId.NotFound', 'ConfigurationError', 'launch template'],
  ])('%s stops at once as %s and says what to do', async (code, name, remedy) => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { 'spot g4dn.xlarge/us-west-2b': code, 'spot */*': 'InsufficientInstanceCapacity' };

    const failure = launchWorker(ports, input);

    await expect(failure).rejects.toMatchObject({ name, kind: 'stop' });
    await expect(failure).rejects.toThrow(remedy);
    expect(ec2.fleetRequests).toHaveLength(1);
  });

  it('names the parameter of Amazon’s image where workers install themselves', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { '*': 'SsmAccessDenied' };

    await expect(
      launchWorker({ ...ports, settings: { ...ports.settings, nodes: { start: 'plain' } } }, input),
    ).rejects.toThrow('/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64');
  });

  it('names the image that was asked for when EC2 does not know it', async () => {
    const { ports, input, ec2 } = await aLaunch({ amiId: 'ami-0123456789abcdef0' });
    ec2.refusals = { '*': 'InvalidAMIID.NotFound' };

    await expect(launchWorker(ports, input)).rejects.toThrow(/InvalidAMIID\.NotFound.*ami-0123456789abcdef0 exists/s);
  });

  it('an invalid combination in one pool leads to the next; in all of a market it stops', async () => {
    const one = await aLaunch();
    one.ec2.refusals = { 'spot g4dn.xlarge/us-west-2a': 'InvalidFleetConfiguration' };
    const all = await aLaunch();
    all.ec2.refusals = { '*': 'InvalidFleetConfiguration' };

    await expect(launchWorker(one.ports, one.input)).resolves.toMatchObject({ availabilityZone: 'us-west-2b' });
    await expect(launchWorker(all.ports, all.input)).rejects.toMatchObject({ name: 'ConfigurationError' });
    expect(all.ec2.fleetRequests.every((request) => request.market === 'spot')).toBe(true);
  });
});

describe('several errors of one answer', () => {
  it('are judged by the gravest, whatever their order', async () => {
    const { ports, input, ec2 } = await aLaunch();
    const createFleet = async (request: FleetRequest) => ({
      instanceIds: [],
      errors: [
        ...request.pools.map((pool) => ({ pool, code: 'UnfulfillableCapacity', message: '' })),
        { code: 'UnauthorizedOperation', message: 'no PassRole' },
      ],
    });
    const refusing = Object.assign(Object.create(ec2), { createFleet });

    await expect(launchWorker({ ...ports, ec2: refusing }, input)).rejects.toMatchObject({ name: 'PermissionError' });
  });

  it('invalid pools beside exhausted ones are want of capacity, not a fault of the configuration', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.refusals = { 'spot g4dn.xlarge/*': 'InvalidFleetConfiguration', '*': 'InsufficientInstanceCapacity' };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'CapacityError' });
  });
});

describe('the choice of pools', () => {
  it('leaves out zones in which a type is not offered', async () => {
    const { ports, input, ec2 } = await aLaunch({ onDemandFallback: false });
    ec2.offered = { 'g4dn.xlarge': ['us-west-2c'], 'g5.xlarge': ['us-west-2a', 'us-west-2d'] };
    ec2.refusals = { '*': 'InsufficientInstanceCapacity' };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'CapacityError' });

    expect(ec2.fleetRequests.map(asked)).toEqual(['spot g4dn.xlarge/c g5.xlarge/a']);
  });

  it('refuses a misspelt type before anything is launched', async () => {
    const { ports, input, ec2 } = await aLaunch({ instanceTypes: ['g4nd.xlarge'] });
    ec2.offered = { 'g4nd.xlarge': [] };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining('g4nd.xlarge in us-west-2a, us-west-2b, us-west-2c'),
    });
    expect(ec2.fleetRequests).toEqual([]);
  });

  it('refuses a fleet without subnets', async () => {
    const { ports, input } = await aLaunch();
    const network = { ...settings().network, subnetIds: [] };

    await expect(launchWorker({ ...ports, settings: settings({ network }) }, input)).rejects.toMatchObject({
      name: 'ConfigurationError',
    });
  });

  it('never puts two subnets of one zone into one call, which EC2 refuses as duplicate pools', async () => {
    const { ports, input, ec2 } = await aLaunch({ instanceTypes: ['g4dn.xlarge'] });
    ec2.subnetZones = { 'subnet-a': 'us-west-2a', 'subnet-b': 'us-west-2a', 'subnet-c': 'us-west-2b' };
    ec2.refusals = { 'spot */us-west-2b': 'InsufficientInstanceCapacity' };
    ec2.beforeAnswer = async () => {};

    await expect(launchWorker(ports, input)).resolves.toMatchObject({ availabilityZone: 'us-west-2a' });

    expect(ec2.fleetRequests[0]?.pools.map((pool) => pool.subnetId)).toEqual(['subnet-a', 'subnet-c']);
  });

  it('stops asking when the function’s time is nearly over, and says what was not tried', async () => {
    const { ports, input, ec2, clock } = await aLaunch();
    ec2.refusals = { '*': 'InsufficientInstanceCapacity' };
    ec2.beforeAnswer = async () => clock.advance(20_000);

    await expect(launchWorker(ports, input)).rejects.toThrow(/on-demand g4dn\.xlarge\/us-west-2a: NotTriedInTime/);

    expect(ec2.fleetRequests).toHaveLength(2);
  });

  it('is handed to the state’s Retry when there was no time to ask for a single pool', async () => {
    const { ports, input, ec2, clock } = await aLaunch();
    const slow = Object.assign(Object.create(ec2), {
      subnets: async (ids: readonly string[]) => {
        clock.advance(31_000);
        return ec2.subnets(ids);
      },
    });

    await expect(launchWorker({ ...ports, ec2: slow }, input)).rejects.toMatchObject({ kind: 'retry' });
  });
});
