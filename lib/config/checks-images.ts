import type { Fault } from '#shared/errors.ts';
import { type Raw, textAt, valueAt } from './raw.ts';

/** Faults between fields of images and of how nodes start. */
const buildSubnet = (raw: Raw): Fault[] => {
  const [vpc, subnet] = [textAt(raw, 'images.vpcId'), textAt(raw, 'images.subnetId')];
  if ((vpc === '') === (subnet === '')) return [];
  const missing = vpc === '' ? 'images.vpcId' : 'images.subnetId';
  return [{ field: missing, what: 'needed beside its fellow', got: 'nothing', allowed: 'both of them, or neither' }];
};

/** EC2 refuses a volume that is smaller than its snapshot. */
const volumeSizes = (raw: Raw): Fault[] =>
  ['lighthouse', 'gpu-worker'].flatMap((role) => {
    const [image, volume] = [valueAt(raw, `images.volumeGib.${role}`), valueAt(raw, `roles.${role}.rootVolumeGib`)];
    if (typeof image !== 'number' || typeof volume !== 'number' || image <= volume) return [];
    const allowed = `at most roles.${role}.rootVolumeGib, ${volume}`;
    return [
      { field: `images.volumeGib.${role}`, what: "larger than the worker's volume", got: String(image), allowed },
    ];
  });

/** From an image a boot takes seconds; what installs itself takes minutes. */
export const BOOT_SECONDS = { image: { least: 10, most: 220 }, plain: { least: 600, most: 1200 } } as const;

const bootSeconds = (raw: Raw): Fault[] => {
  const [start, seconds] = [textAt(raw, 'nodes.start'), valueAt(raw, 'limits.bootSeconds')];
  if ((start !== 'image' && start !== 'plain') || typeof seconds !== 'number') return [];
  const { least, most } = BOOT_SECONDS[start];
  if (seconds >= least && seconds <= most) return [];
  const what = start === 'plain' ? 'too short for a node that installs itself' : 'too long for an image';
  const allowed = `${least} to ${most} with nodes.start ${start}`;
  return [{ field: 'limits.bootSeconds', what, got: String(seconds), allowed }];
};

/** The dead-man switch counts from the first boot; before await-boot ends nobody could disarm it. */
const readySeconds = (raw: Raw): Fault[] => {
  const [online, boot, ready] = ['ssmOnlineSeconds', 'bootSeconds', 'readySeconds'].map((limit) =>
    valueAt(raw, `limits.${limit}`),
  );
  if (typeof online !== 'number' || typeof boot !== 'number' || typeof ready !== 'number') return [];
  if (ready > online + boot) return [];
  const what = 'the dead-man switch would fire while the boot is still waited for';
  const allowed = `more than limits.ssmOnlineSeconds and limits.bootSeconds together, ${online + boot}`;
  return [{ field: 'limits.readySeconds', what, got: String(ready), allowed }];
};

export const IMAGE_CHECKS = [buildSubnet, volumeSizes, bootSeconds, readySeconds];
