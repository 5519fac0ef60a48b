import { describe, expect, it } from 'vitest';
import { refuseDestroy } from '../../../lambda/sweep/refuse-destroy.ts';
import { aFleet, instanceTags } from './builders.ts';

const event = (RequestType: 'Create' | 'Update' | 'Delete') => ({
  RequestType,
  ResourceProperties: { fleet: 'carrierarr' },
});

describe('the guard against destroying a fleet with workers', () => {
  it.each(['Create', 'Update'] as const)('has no say on %s', async (type) => {
    const { ports, ec2 } = aFleet();
    ec2.plant({ tags: instanceTags('gpu-worker-001', 'mhx0000a') });

    expect(await refuseDestroy(ports, event(type))).toEqual({ PhysicalResourceId: 'carrierarr-guard' });
  });

  it('lets an empty fleet go', async () => {
    const { ports, ec2, clock } = aFleet();
    await ec2.terminate([ec2.plant({ tags: instanceTags('gpu-worker-001', 'mhx0000a') })]);
    ec2.plant({ tags: instanceTags('other', 'mhx0000a', { 'carrierarr:fleet': 'other' }) });
    ec2.plant({ tags: { 'carrierarr:fleet': 'carrierarr', Name: 'image builder' } });
    clock.advance(ec2.terminationMs);

    expect(await refuseDestroy(ports, event('Delete'))).toEqual({ PhysicalResourceId: 'carrierarr-guard' });
  });

  it('refuses while instances live or are only shutting down, and names them and what to run', async () => {
    const { ports, ec2 } = aFleet();
    const alive = ec2.plant({ tags: instanceTags('gpu-worker-001', 'mhx0000a') });
    const ending = ec2.plant({ tags: instanceTags('lighthouse-1', 'mhx0000b') });
    await ec2.terminate([ending]);

    const refusal = refuseDestroy(ports, event('Delete'));

    await expect(refusal).rejects.toMatchObject({ name: 'WorkersAliveError' });
    await expect(refusal).rejects.toThrow(`gpu-worker-001 ${alive} (pending), lighthouse-1 ${ending} (shutting-down)`);
    await expect(refusal).rejects.toThrow('carrierarr teardown --all');
  });
});
