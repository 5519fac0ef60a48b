import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { Image } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** What Packer has made, and where. */
export interface PackerResult {
  readonly id: string;
  readonly region: string;
  readonly image: Image | undefined;
}

/** As far as we read Packer's manifest post-processor. */
const Manifest = z.object({
  builds: z
    .array(
      z.object({
        artifact_id: z.string(),
        packer_run_uuid: z.string().default(''),
        custom_data: z.object({ image: Image.optional() }).nullish(),
      }),
    )
    .min(1),
  last_run_uuid: z.string().default(''),
});

const ARTIFACT = /^([a-z]{2}(?:-[a-z]+)+-[0-9]):(ami-[0-9a-f]{8,17})$/;

const unreadable = (file: string, got: string, cause?: unknown): CommandError =>
  new CommandError(EXIT.usage, {
    what: `${file} is no manifest of Packer`,
    got,
    remedy: 'build with `npm run ami:<image>`, which writes ami/manifest-<image>.json; or name the AMI itself',
    cause,
  });

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error instanceof Error ? error.message : String(error), error);
  }
};

const parse = (file: string, text: string): z.infer<typeof Manifest> => {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw unreadable(file, 'no JSON', error);
  }
  const parsed = Manifest.safeParse(content);
  if (!parsed.success) throw unreadable(file, z.prettifyError(parsed.error).replaceAll('\n', '; '));
  return parsed.data;
};

/**
 * The image of the last run that a manifest tells of; where it was made in several regions, the one in `preferred`.
 * @throws CommandError (usage)
 */
export const readManifest = async (file: string, preferred: string): Promise<PackerResult> => {
  const { builds, last_run_uuid } = parse(file, await readText(file));
  const build = builds.findLast(({ packer_run_uuid }) => packer_run_uuid === last_run_uuid) ?? builds.at(-1);
  const artifacts = (build?.artifact_id ?? '').split(',').map((text) => ARTIFACT.exec(text.trim()));
  const made = artifacts.flatMap((match) => (match?.[1] && match[2] ? [{ region: match[1], id: match[2] }] : []));
  const chosen = made.find(({ region }) => region === preferred) ?? made[0];
  if (chosen === undefined) throw unreadable(file, `artifact_id ${build?.artifact_id}`);
  return { ...chosen, image: build?.custom_data?.image };
};
