import { readdirSync, readFileSync } from 'node:fs';
import { parse } from '@cdktn/hcl2json';
import * as z from 'zod';
import type { Image } from '#contract';

const FOLDER = 'ami';

const block = z.record(z.string(), z.unknown());
const shell = z.looseObject({
  inline: z.union([z.string(), z.array(z.string())]).optional(),
  scripts: z.string().optional(),
  execute_command: z.string().optional(),
  environment_vars: z.string().optional(),
});
const file = z.looseObject({ source: z.string().optional(), sources: z.string().optional(), destination: z.string() });
const build = z.looseObject({
  name: z.string(),
  source: z.record(z.string(), z.array(block)),
  provisioner: z.looseObject({ shell: z.array(shell), file: z.array(file) }),
  'post-processor': z.record(z.string(), z.array(block)),
});
const template = z.looseObject({
  variable: z
    .record(z.string(), z.array(z.looseObject({ default: z.unknown(), description: z.string().optional() })))
    .optional(),
  locals: z.array(block).optional(),
  source: z.record(z.string(), z.record(z.string(), z.array(block))).optional(),
  build: z.array(build).optional(),
});

export type Build = z.infer<typeof build>;
export type Settings = Readonly<Record<string, unknown>>;

/** All of ami/*.pkr.hcl as one template, the way Packer reads a folder. */
export interface Templates {
  readonly variables: ReadonlyMap<string, unknown>;
  readonly locals: Settings;
  readonly source: Settings;
  readonly builds: readonly Build[];
}

export const readSources = (): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(FOLDER)
      .filter((name) => name.endsWith('.pkr.hcl'))
      .map((name) => [name, readFileSync(`${FOLDER}/${name}`, 'utf8')]),
  );

// What was parsed once: the parser takes a tenth of a second a file, and tests change one file at a time.
const parsed = new Map<string, z.infer<typeof template>>();
const parseOnce = async (name: string, text: string): Promise<z.infer<typeof template>> => {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const fresh = template.parse(await parse(name, text));
  parsed.set(text, fresh);
  return fresh;
};

export const readTemplates = async (sources: ReadonlyMap<string, string> = readSources()): Promise<Templates> => {
  const files = await Promise.all([...sources].map(([name, text]) => parseOnce(name, text)));
  return {
    variables: new Map(
      files.flatMap(({ variable = {} }) =>
        Object.entries(variable).map(([name, [declared]]) => [name, declared?.default] as const),
      ),
    ),
    locals: Object.assign({}, ...files.flatMap(({ locals = [] }) => locals)),
    source: Object.assign({}, ...files.flatMap(({ source = {} }) => source['amazon-ebs']?.al2023 ?? [])),
    builds: files.flatMap(({ build: builds = [] }) => builds),
  };
};

export const buildOf = ({ builds }: Templates, image: Image): Build => {
  const found = builds.find(({ name }) => name === image);
  if (found === undefined) throw new Error(`no build ${image}`);
  return found;
};

/** What a build tells the amazon-ebs builder: the shared source with the build's own settings. */
export const settingsOf = (templates: Templates, found: Build): Settings =>
  Object.assign({}, templates.source, ...(found.source['source.amazon-ebs.al2023'] ?? []));

const PATH = /"\$\{path\.root\}\/([^"]+)"/g;
const pathsIn = (value: unknown): string[] =>
  [...(Array.isArray(value) ? value.map((path) => `"${path}"`).join() : String(value)).matchAll(PATH)].map(
    ([, path = '']) => `${FOLDER}/${path}`,
  );

/** The scripts a build runs, in order and relative to the repository. */
export const scriptsIn = (templates: Templates, image: Image): string[] => {
  const lists = buildOf(templates, image).provisioner.shell.flatMap(({ scripts = [] }) => scripts);
  return lists.flatMap((list) =>
    list
      .split(/(local\.scripts_(?:first|last))/)
      .flatMap((part) => pathsIn(part.startsWith('local.') ? templates.locals[part.slice(6)] : part)),
  );
};
