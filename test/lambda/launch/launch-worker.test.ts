import { describe, expect, it } from 'vitest';
import { NotYetConsistentError, PermissionError, ServiceUnavailableError, ThrottledError } from '#shared/errors.ts';
import { launchWorker } from '../../../lambda/launch/launch-worker.ts';
import { ACCOUNT } from '../../fake/ec2.ts';
import { aLaunch } from './builders.ts';

const lost = () => new ServiceUnavailableError({ what: 'connection cut', remedy: 'again' });
const throttled = () => new ThrottledError({ what: 'slow down', remedy: 'again' });
const TEARDOWN = 'arn:aws:states:us-west-2:111122223333:execution:carrierarr-teardown:t1';

describe('a launch that works at once', () => {
  it('yields one instance, recorded, and opens the secret for it alone', async () => {
    const { ports, input, ec2, registry, secrets } = await aLaunch();

    const output = await launchWorker(ports, input);

    expect(ec2.alive().map((instance) => instance.instanceId)).toEqual([output.instanceId]);
    expect(output).toMatchObject({
      instanceArn: `arn:aws:ec2:us-west-2:${ACCOUNT}:instance/${output.instanceId}`,
      instanceType: 'g4dn.xlarge',
      availabilityZone: 'us-west-2a',
      market: 'spot',
      adopted: false,
    });
    expect(output.publicIp).toMatch(/^203\.0\.113\./);
    expect(await registry.find('gpu-worker-001')).toMatchObject({
      phase: 'LAUNCHED',
      instanceId: output.instanceId,
      launchedMarket: 'spot',
      publicIp: output.publicIp,
    });
    expect([...secrets.bound]).toEqual([['catalyst-llm/nebula-gpu-worker-001', output.instanceArn]]);
  });

  it('tags instance and volume in the call, so that they can be found whatever happens next', async () => {
    const { ports, input, ec2, worker } = await aLaunch();

    await launchWorker(ports, input);

    expect(ec2.fleetRequests[0]?.tags).toEqual({
      'carrierarr:fleet': 'carrierarr',
      'carrierarr:worker': 'gpu-worker-001',
      'carrierarr:role': 'gpu-worker',
      'carrierarr:execution': input.execution,
      'carrierarr:generation': worker.generation,
      Name: 'carrierarr-gpu-worker-001',
    });
  });

  it('uses the template of the role, and its image unless the worker names one', async () => {
    const plain = await aLaunch();
    const named = await aLaunch({ amiId: 'ami-0123456789abcdef0' });

    await launchWorker(plain.ports, plain.input);
    await launchWorker(named.ports, named.input);

    expect(plain.ec2.fleetRequests[0]).toMatchObject({ launchTemplateId: 'lt-gpu', imageId: '' });
    expect(named.ec2.fleetRequests[0]).toMatchObject({ launchTemplateId: 'lt-gpu', imageId: 'ami-0123456789abcdef0' });
  });

  it('does not wait for a public address where the subnet gives none', async () => {
    const { ports, input, ec2, clock } = await aLaunch();
    ec2.publicAddresses = false;
    const before = clock.now().getTime();

    const output = await launchWorker(ports, input);

    expect(output.publicIp).toBe('');
    expect(clock.now().getTime() - before).toBeLessThanOrEqual(6_000);
  });
});

describe('the same call again', () => {
  it('returns the recorded instance when only the answer was lost', async () => {
    const { ports, input, ec2 } = await aLaunch();
    const first = await launchWorker(ports, input);

    const second = await launchWorker(ports, input);

    expect(second).toEqual({ ...first, adopted: true });
    expect(ec2.fleetRequests).toHaveLength(1);
  });

  it('adopts what an attempt launched that died before it could record it', async () => {
    const { ports, input, ec2, registry } = await aLaunch();
    ec2.failNext('instances', new Error('function killed'));
    ec2.beforeAnswer = async () => ec2.failNext('instances', new Error('function killed'));
    await expect(launchWorker(ports, input)).rejects.toThrow('function killed');
    await expect(launchWorker(ports, input)).rejects.toThrow('function killed');
    ec2.beforeAnswer = async () => {};

    const output = await launchWorker(ports, input);

    expect(output.adopted).toBe(true);
    expect(ec2.all()).toHaveLength(1);
    expect((await registry.find('gpu-worker-001'))?.instanceId).toBe(output.instanceId);
  });

  it('waits for what EC2 does not show yet before it launches a second time', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.beforeAnswer = async () => ec2.failNext('instances', new Error('function killed'));
    await expect(launchWorker(ports, input)).rejects.toThrow('function killed');
    ec2.blindMs = 3_000;

    const output = await launchWorker(ports, input);

    expect(output.adopted).toBe(true);
    expect(ec2.fleetRequests).toHaveLength(1);
  });

  it('keeps the oldest and ends the others when two attempts overlapped', async () => {
    const { ports, input, ec2, clock, worker } = await aLaunch();
    const tags = {
      'carrierarr:fleet': 'carrierarr',
      'carrierarr:worker': worker.name,
      'carrierarr:execution': input.execution,
    };
    const oldest = ec2.plant({ tags });
    clock.advance(1_000);
    ec2.plant({ tags });

    const output = await launchWorker(ports, input);

    expect(output.instanceId).toBe(oldest);
    expect(ec2.alive().map((instance) => instance.instanceId)).toEqual([oldest]);
  });

  it('never adopts an instance that is ending: a redrive after a roll-back launches anew', async () => {
    const { ports, input, ec2 } = await aLaunch();
    const first = await launchWorker(ports, input);
    await ec2.terminate([first.instanceId]);

    const second = await launchWorker(ports, { ...input, redriveCount: 1 });

    expect(second.instanceId).not.toBe(first.instanceId);
    expect(second.adopted).toBe(false);
  });
});

describe('a lost answer of the launch call itself', () => {
  it('is asked for again with the same token and yields the same instance', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.failNext('createFleet', lost(), { after: true });

    const output = await launchWorker(ports, input);

    expect(ec2.all().map((instance) => instance.instanceId)).toEqual([output.instanceId]);
    expect(ec2.fleetRequests).toHaveLength(2);
    expect(ec2.fleetRequests[0]?.clientToken).toBe(ec2.fleetRequests[1]?.clientToken);
  });
});

describe('throttling', () => {
  it('is waited out within the time of the function', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.failNext('createFleet', throttled(), { times: 4 });

    const output = await launchWorker(ports, input);

    expect(output.instanceId).not.toBe('');
    expect(new Set(ec2.fleetRequests.map((request) => request.clientToken)).size).toBe(1);
  });

  it('that does not end is handed to the state’s own Retry before the function’s 60 s are over', async () => {
    const { ports, input, ec2, clock } = await aLaunch();
    ec2.failNext('createFleet', throttled(), { times: 1_000 });
    const before = clock.now().getTime();

    await expect(launchWorker(ports, input)).rejects.toBeInstanceOf(ThrottledError);

    expect(clock.now().getTime() - before).toBeLessThan(31_000);
    expect(ec2.all()).toEqual([]);
  });
});

describe('the fence', () => {
  it('stops a launch before the call when a teardown was there first', async () => {
    const { ports, input, ec2, registry, life } = await aLaunch();
    await registry.fence(life, TEARDOWN, 900);

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'LaunchFencedError' });

    expect(ec2.fleetRequests).toEqual([]);
  });

  it('ends the zombie: a teardown between launch and record leaves no instance and no open secret', async () => {
    const { ports, input, ec2, registry, life, secrets } = await aLaunch();
    ec2.beforeAnswer = async () => void (await registry.fence(life, TEARDOWN, 900));

    await expect(launchWorker(ports, input)).rejects.toMatchObject({
      name: 'LaunchFencedError',
      message: expect.stringMatching(/instance i-[0-9a-f]+ terminated/),
    });

    expect(ec2.alive()).toEqual([]);
    expect(secrets.bound.size).toBe(0);
    expect((await registry.find('gpu-worker-001'))?.phase).toBe('TEARING_DOWN');
  });

  it('ends the zombie even when EC2 throttles the termination at first', async () => {
    const { ports, input, ec2, registry, life } = await aLaunch();
    ec2.beforeAnswer = async () => void (await registry.fence(life, TEARDOWN, 900));
    ec2.failNext('terminate', throttled(), { times: 2 });

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'LaunchFencedError' });

    expect(ec2.alive()).toEqual([]);
  });

  it('reports the fence also when the termination fails, and says who cleans up', async () => {
    const { ports, input, ec2, registry, life } = await aLaunch();
    ec2.beforeAnswer = async () => void (await registry.fence(life, TEARDOWN, 900));
    ec2.failNext('terminate', new PermissionError({ what: 'no', remedy: 'none' }));

    await expect(launchWorker(ports, input)).rejects.toMatchObject({
      name: 'LaunchFencedError',
      message: expect.stringContaining('left to the teardown'),
    });
  });

  it('ends what an overtaken attempt launched, not what the later attempt did', async () => {
    const { ports, input, ec2, registry, life } = await aLaunch();
    let later: Awaited<ReturnType<typeof launchWorker>> | undefined;
    ec2.beforeAnswer = async () => {
      ec2.beforeAnswer = async () => {};
      ec2.blindMs = 10_000;
      later = await launchWorker(ports, input);
      ec2.blindMs = 0;
    };

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'LaunchFencedError' });

    expect(ec2.alive().map((instance) => instance.instanceId)).toEqual([later?.instanceId]);
    expect(await registry.find(life.name)).toMatchObject({ phase: 'LAUNCHED', instanceId: later?.instanceId });
  });

  it('spares the instance that a later attempt has adopted from an overtaken one', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.beforeAnswer = async () => {
      ec2.beforeAnswer = async () => {};
      await launchWorker(ports, input);
    };

    const output = await launchWorker(ports, input);

    expect(ec2.alive().map((instance) => instance.instanceId)).toEqual([output.instanceId]);
  });
});

describe('what follows the launch call', () => {
  it('waits while EC2 does not show the instance', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.blindMs = 8_000;

    await expect(launchWorker(ports, input)).resolves.toMatchObject({ adopted: false });
  });

  it('gives up in time when EC2 never shows it, to be called again', async () => {
    const { ports, input, ec2, clock } = await aLaunch();
    ec2.blindMs = 3_600_000;
    const before = clock.now().getTime();

    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'NotYetConsistentError' });

    expect(clock.now().getTime() - before).toBeLessThan(50_000);
  });

  it('reports an instance that ended at once, with EC2’s reason', async () => {
    const { ports, input, ec2 } = await aLaunch();
    ec2.beforeAnswer = async ([id = '']) => ec2.end(id, 'Client.InvalidKMSKey.InvalidState');

    await expect(launchWorker(ports, input)).rejects.toMatchObject({
      name: 'ServiceUnavailableError',
      message: expect.stringContaining('Client.InvalidKMSKey.InvalidState'),
    });
  });

  it('binds the secret once Secrets Manager shows it', async () => {
    const { ports, input, secrets } = await aLaunch();
    secrets.failNext(new NotYetConsistentError({ what: 'no secret yet', remedy: 'again' }), 3);

    const output = await launchWorker(ports, input);

    expect([...secrets.bound.values()]).toEqual([output.instanceArn]);
  });

  it('binds the secret on the next call when it failed on the first', async () => {
    const { ports, input, ec2, secrets } = await aLaunch();
    secrets.failNext(new NotYetConsistentError({ what: 'no secret yet', remedy: 'again' }), 1_000);
    await expect(launchWorker(ports, input)).rejects.toMatchObject({ name: 'NotYetConsistentError' });

    const again = { ...ports, secrets: (await aLaunch()).secrets };
    const output = await launchWorker(again, input);

    expect([...again.secrets.bound.values()]).toEqual([output.instanceArn]);
    expect(ec2.all()).toHaveLength(1);
  });
});
