import { type Image, TAG } from '#contract';
import type { Config } from '../config.ts';

/** Tags of an image that Image Builder makes; the same keys as Packer's, so that one list shows both. */
export const imageTags = ({ fleet, images, k3s }: Config, image: Image, hasAgent: boolean): Record<string, string> => ({
  Name: `${images.namePrefix}-${image}`,
  [TAG.fleet]: fleet,
  [TAG.image]: image,
  'carrierarr:builder': 'image-builder',
  'carrierarr:nebula-version': images.nebulaVersion,
  'carrierarr:worker-agent': hasAgent ? 'included' : 'none',
  ...(image === 'base' ? {} : { 'carrierarr:k3s-version': k3s.version }),
  ...(image === 'gpu-worker'
    ? {
        'carrierarr:nvidia-driver-version': images.nvidiaDriver,
        'carrierarr:ollama-version': images.ollamaVersion,
      }
    : {}),
});
