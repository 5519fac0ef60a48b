import { describe, expect, it } from 'vitest';
import { InputError } from '#shared/errors.ts';
import { configWarnings, parseConfig } from '../../lib/config.ts';

const faultsOf = (overrides: Record<string, unknown>): Record<string, string> => {
  try {
    parseConfig(overrides);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return Object.fromEntries(error.faults.map(({ field, allowed }) => [field, allowed]));
  }
  return {};
};

const warningsOf = (overrides: Record<string, unknown>): string[] =>
  configWarnings(parseConfig(overrides)).map(({ id }) => id);

describe('configuration of images', () => {
  it('builds nothing on its own by default', () => {
    expect(parseConfig().images.schedule).toBeUndefined();
  });

  it.each(['g4dn.xlarge', 'p3.2xlarge', 'c7g.large', 'm6gd.large', 't4g.medium'])(
    'refuses to build on %s: a GPU, or not x86_64',
    (type) => {
      const faults = faultsOf({ images: { buildInstanceTypes: { base: [type] } } });

      expect(faults['images.buildInstanceTypes.base.0']).toMatch(/x86_64 type without a GPU/);
    },
  );

  it.each(['t3.medium', 'm6i.xlarge', 'c6a.large', 'm7i-flex.large', 'r5dn.large'])('builds on %s', (type) => {
    expect(faultsOf({ images: { buildInstanceTypes: { base: [type] } } })).toEqual({});
  });

  it.each(['every monday', 'cron(0 6 * * *)', 'rate(7 days)'])('refuses the schedule %s', (schedule) => {
    expect(Object.keys(faultsOf({ images: { schedule } }))).toEqual(['images.schedule']);
  });

  it('takes VPC and subnet together or not at all', () => {
    expect(Object.keys(faultsOf({ images: { subnetId: 'subnet-0abc12345678' } }))).toEqual(['images.vpcId']);
    expect(Object.keys(faultsOf({ images: { vpcId: 'vpc-0abc12345678' } }))).toEqual(['images.subnetId']);
  });

  it('refuses an image larger than the volume it is to boot from', () => {
    const faults = faultsOf({ images: { volumeGib: { lighthouse: 21 } } });

    expect(faults).toEqual({ 'images.volumeGib.lighthouse': 'at most roles.lighthouse.rootVolumeGib, 20' });
  });

  it('warns of a driver branch without fixes, the default too, and not of one with them', () => {
    expect(warningsOf({})).toContain('nvidia-end-of-life');
    expect(warningsOf({ images: { nvidiaDriver: '570' } })).toContain('nvidia-end-of-life');
    expect(warningsOf({ images: { nvidiaDriver: '580' } })).not.toContain('nvidia-end-of-life');
  });
});

describe('how nodes start', () => {
  it('is from images by default', () => {
    expect(parseConfig().nodes.start).toBe('image');
    expect(warningsOf({})).not.toContain('plain-start');
  });

  it('plain warns, and wants time for the boot', () => {
    const plain = (bootSeconds: number) => ({ nodes: { start: 'plain' }, limits: { bootSeconds } });

    expect(faultsOf({ nodes: { start: 'plain' } })).toEqual({
      'limits.bootSeconds': '600 to 1200 with nodes.start plain',
    });
    expect(faultsOf(plain(1200))).toEqual({});
    expect(warningsOf(plain(900))).toContain('plain-start');
  });

  it('from an image leaves no time for an installation', () => {
    expect(faultsOf({ limits: { bootSeconds: 221 } })).toEqual({
      'limits.bootSeconds': '10 to 220 with nodes.start image',
    });
  });
});
