import { describe, expect, it } from 'vitest';
import { InputError } from '#shared/errors.ts';
import { stepsAfterBoot } from '../../lib/config/provision-limits.ts';
import { configWarnings, parseConfig } from '../../lib/config.ts';
import { live, stepsOf } from './support/lives.ts';
import { synthesisedMachines } from './support/machines.ts';

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

describe('the limit of the dead-man switch', () => {
  it('is enough for every step of the defaults to use up its own', () => {
    expect(warningsOf({})).not.toContain('short-ready');
    expect(warningsOf({ nodes: { start: 'plain' }, limits: { bootSeconds: 1200 } })).not.toContain('short-ready');
  });

  it('warns where a slow provision would be powered off', () => {
    const everything = { liqo: { direction: 'both' }, cilium: { clusterMesh: true } };

    expect(warningsOf(everything)).toContain('short-ready');
    expect(warningsOf({ ...everything, limits: { readySeconds: 9000 } })).not.toContain('short-ready');
    expect(warningsOf({ limits: { readySeconds: 3600 } })).toContain('short-ready');
  });

  it('is refused where it would fire while the boot is waited for', () => {
    const limits = { readySeconds: 600, ssmOnlineSeconds: 420, bootSeconds: 180 };

    expect(faultsOf({ limits })).toEqual({
      'limits.readySeconds': 'more than limits.ssmOnlineSeconds and limits.bootSeconds together, 600',
    });
    expect(faultsOf({ limits: { ...limits, readySeconds: 601 } })).toEqual({});
  });

  it.each([{}, { liqo: { direction: 'both' }, cilium: { clusterMesh: true } }, { liqo: { enabled: false } }])(
    'knows the steps of %o',
    async (overrides) => {
      const walked = await live({ role: 'lighthouse' }, synthesisedMachines(overrides));
      const beforeOrBeside = ['homelab-preflight', 'await-boot', 'homelab-install-liqo'];

      expect(stepsAfterBoot(parseConfig(overrides)).toSorted()).toEqual(
        stepsOf(walked)
          .filter((step) => !beforeOrBeside.includes(step))
          .toSorted(),
      );
    },
  );
});
