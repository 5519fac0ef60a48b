import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { CertifiedRole } from './certified-role.ts';
import { pruneTemplate, type RemovedResource } from './template.ts';

const Manifest = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z.looseObject({ templateFile: z.string().optional() }).optional(),
    }),
  ),
});

export interface PrunedAssembly {
  readonly stacks: readonly string[];
  readonly removed: readonly RemovedResource[];
  readonly documents: Readonly<Record<string, unknown>>;
  readonly certified: CertifiedRole | undefined;
}

/** Prunes every template of a synthesised cloud assembly in place. */
export const pruneAssembly = async (directory: string): Promise<PrunedAssembly> => {
  const manifest = Manifest.parse(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')));
  const stacks: string[] = [];
  const removed: RemovedResource[] = [];
  let documents: Record<string, unknown> = {};
  let certified: CertifiedRole | undefined;
  for (const [name, { type, properties }] of Object.entries(manifest.artifacts)) {
    if (type !== 'aws:cloudformation:stack' || properties?.templateFile === undefined) continue;
    const file = join(directory, properties.templateFile);
    const pruned = pruneTemplate(JSON.parse(await readFile(file, 'utf8')));
    await writeFile(file, JSON.stringify(pruned.template));
    stacks.push(name);
    removed.push(...pruned.removed);
    documents = { ...documents, ...pruned.documents };
    certified ??= pruned.certified;
  }
  return { stacks, removed, documents, certified };
};
