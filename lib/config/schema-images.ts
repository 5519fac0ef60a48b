import * as z from 'zod';
import { InstanceType } from '#contract';
import { text, version } from './fields.ts';

/** What images are made of, by whom and when. Each default and its reason: `defaults.ts`. */
const buildInstanceType = InstanceType.regex(/^(?!(?:g|p|dl|trn|inf|vt)[0-9])[a-z]+[0-9]+(?!g)[a-z-]*\./, {
  error: 'an x86_64 type without a GPU such as m6i.xlarge: drivers are compiled, not tried',
});
const buildInstanceTypes = z.array(buildInstanceType).min(1);

/** The smallest that Amazon Linux 2023 itself fits on. */
const volumeGib = z.int().min(8).max(200);

export const Images = z.strictObject({
  enabled: z.boolean().describe('Whether Image Builder pipelines are made; Packer alone does without them'),
  namePrefix: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,40}$/, { error: 'letters, digits, dot, hyphen, underscore; at most 41' })
    .describe('Prefix of AMI names'),
  nebulaVersion: version.describe('Nebula version'),
  nvidiaDriver: z
    .string()
    .regex(/^[0-9]{3}$/, { error: 'a driver branch such as 580' })
    .describe('NVIDIA driver branch: below 555 the pinned `.run`, from 555 on packages'),
  ollamaVersion: z.union([z.literal('latest'), version]).describe('Ollama version'),
  schedule: z
    .string()
    .regex(/^cron\((\S+ ){5}\S+\)$/, { error: 'a cron expression with six fields such as cron(0 6 ? * mon *)' })
    .optional()
    .describe(
      "When Image Builder looks for updates of Amazon Linux or of the scripts, and builds the roles' images if there are any. Absent: never, only `carrierarr ami build`",
    ),
  keep: z.int().min(1).max(10).describe('Images of each kind that Image Builder keeps; each costs its snapshot'),
  buildInstanceTypes: z
    .strictObject({
      base: buildInstanceTypes.describe('For base'),
      lighthouse: buildInstanceTypes.describe('For lighthouse'),
      'gpu-worker': buildInstanceTypes.describe('For gpu-worker; more processors compile the driver faster'),
    })
    .describe('Instance types to build on, in order of preference'),
  volumeGib: z.strictObject({
    base: volumeGib.describe('Size of the image base'),
    lighthouse: volumeGib.describe('Size of the image lighthouse; at most `roles.lighthouse.rootVolumeGib`'),
    'gpu-worker': volumeGib.describe('Size of the image gpu-worker; at most `roles.gpu-worker.rootVolumeGib`'),
  }),
  vpcId: text
    .regex(/^vpc-[0-9a-f]{8,17}$/, { error: 'a VPC id such as vpc-0abc1234' })
    .optional()
    .describe('VPC to build in. Absent: `network.vpcId`, or a small one of its own, which costs nothing'),
  subnetId: z
    .string()
    .regex(/^subnet-[0-9a-f]{8,17}$/, { error: 'a subnet id such as subnet-0abc1234' })
    .optional()
    .describe('With `vpcId`: a subnet with a way out to the internet'),
});
