import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { deepMerge } from '../../lib/config/merge.ts';
import { projectDirectory } from '../paths.ts';

/** What must be known of the configuration before it is synthesised; the defaults are those of `lib/config`. */
const Identity = z.looseObject({
  fleet: z.string().default('carrierarr'),
  region: z.string().default('us-west-2'),
  liqo: z
    .looseObject({ enabled: z.boolean().default(true), direction: z.string().default('homelab-consumes-aws') })
    .prefault({}),
});

export interface FleetIdentity {
  readonly fleet: string;
  readonly region: string;
}

export interface LocalConfiguration extends FleetIdentity {
  /** Whether clusters on EC2 use the homelab's nodes, for which the homelab must be prepared. */
  readonly provides: boolean;
  /** Layer over `cdk.json`: the user's own file, if CARRIERARR_CONFIG names one, and what the caller wants. */
  readonly overrides: unknown;
}

const CdkJson = z.looseObject({ context: z.looseObject({ carrierarr: z.unknown() }).optional() });

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

/** Reads the configuration as the app will see it. */
export const readConfiguration = async (
  wanted: unknown,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<LocalConfiguration> => {
  const cdk = CdkJson.parse(await readJson(join(projectDirectory, 'cdk.json')));
  const file = environment.CARRIERARR_CONFIG ?? '';
  const overrides = deepMerge(file === '' ? {} : await readJson(file), wanted);
  const { fleet, region, liqo } = Identity.parse(deepMerge(cdk.context?.carrierarr ?? {}, overrides));
  const provides = liqo.enabled && liqo.direction !== 'homelab-consumes-aws';
  return { fleet, region, overrides, provides };
};
