import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { IMAGES, TAG } from '#contract';
import { DEFAULTS } from '../../lib/config/defaults.ts';
import { parseConfig } from '../../lib/config.ts';
import { imageTags } from '../../lib/images/image-tags.ts';
import { faultsOf } from './support/packer-policy.ts';
import { type Build, buildOf, readSources, readTemplates, settingsOf } from './support/packer-templates.ts';

describe('the Packer templates', () => {
  it('build the three images from one source', async () => {
    const { builds } = await readTemplates();

    expect(builds.map(({ name }) => name).sort()).toEqual([...IMAGES].sort());
    expect(builds.flatMap(({ source }) => Object.keys(source))).toEqual(IMAGES.map(() => 'source.amazon-ebs.al2023'));
  });

  it('break no rule', async () => {
    expect(faultsOf(await readTemplates())).toEqual([]);
  });

  it.each([
    [
      'http_tokens                 = "required"',
      'http_tokens                 = "optional"',
      'the build instance answers IMDSv1',
    ],
    [
      'http_put_response_hop_limit = 1',
      'http_put_response_hop_limit = 2',
      'metadata of the build instance reaches further than one hop',
    ],
    ['imds_support = "v2.0"', '', 'instances of the image answer IMDSv1'],
    ['"session_manager"', '"public_ip"', 'the builder listens for SSH'],
    [
      'security_group_id           = var.security_group_id',
      'temporary_security_group_source_cidrs = ["0.0.0.0/0"]',
      'somebody may connect to the builder',
    ],
    ['ssh_timeout ', 'ssh_password = "guess"\n  ssh_timeout ', 'the builder has a lasting key or a password'],
    ['"ssm:UpdateInstanceInformation"', '"ssm:GetParameter"', 'the builder may do more than be reached'],
    ['encrypted             = true', 'encrypted             = false', 'a volume is not encrypted'],
    ['volume_type           = "gp3"', 'volume_type           = "gp2"', 'a volume stays behind or is not gp3'],
    ['imds_support =', 'ami_groups = ["all"]\n  imds_support =', 'the image is shared'],
    ['"terminate"', '"stop"', 'a builder left behind lives on'],
    ['include_deprecated = true', 'include_deprecated = false', 'the parent is not the one of versions.env'],
    ['deprecate_at    = local.deprecate_at', '', 'the image is never deprecated'],
    ['snapshot_tags = local.gpu_worker_tags', 'snapshot_tags = {}', 'snapshots are not marked like the image'],
    ['"m6i.xlarge"', '"g4dn.xlarge"', 'the build needs a GPU'],
    ['cloud-init status --wait', 'cloud-init status --wait || true', 'a failing step does not fail the build'],
    ['post-processor "manifest"', 'post-processor "shell-local"', 'what was built is not written down'],
  ])('would show with %j changed to %j', async (from, to, fault) => {
    const sources = readSources();
    const changed = new Map([...sources].map(([name, text]) => [name, text.replace(from, () => to)]));

    const faults = faultsOf(await readTemplates(changed));

    expect([...changed].some(([name, text]) => text !== sources.get(name))).toBe(true);
    expect(faults).toContain(`gpu-worker: ${fault}`);
  });

  it('have the seed’s variables with the seed’s defaults', async () => {
    const { variables } = await readTemplates();

    expect(Object.fromEntries(variables)).toMatchObject({
      aws_region: 'us-east-1',
      nebula_version: '1.9.0',
      k3s_version: 'v1.31.2+k3s1',
      nvidia_driver_version: '550',
      ollama_version: 'latest',
      ami_prefix: 'catalyst',
    });
  });

  it('build what Image Builder builds by default', async () => {
    const { variables } = await readTemplates();
    const { images, k3s } = DEFAULTS;

    expect(Object.fromEntries(variables)).toMatchObject({
      ami_prefix: images.namePrefix,
      nebula_version: images.nebulaVersion,
      k3s_version: k3s.version,
      nvidia_driver_version: images.nvidiaDriver,
      ollama_version: images.ollamaVersion,
    });
  });

  it.each(IMAGES)('take an instance and a volume for %s as Image Builder does', async (image) => {
    const templates = await readTemplates();
    const settings = settingsOf(templates, buildOf(templates, image));

    expect(DEFAULTS.images.buildInstanceTypes[image]).toContain(settings.instance_type);
    expect(settings.launch_block_device_mappings).toMatchObject([{ volume_size: DEFAULTS.images.volumeGib[image] }]);
  });

  it('recommend nothing but other values of these variables', async () => {
    const { variables } = await readTemplates();
    const recommended = [...readFileSync('ami/recommended.pkrvars.hcl', 'utf8').matchAll(/^(\w+) += "(.+)"$/gm)];

    const names = recommended.map(([, name = '', value]) => [
      name,
      variables.has(name) && variables.get(name) !== value,
    ]);

    expect(Object.fromEntries(names)).toEqual({ nebula_version: true, nvidia_driver_version: true });
  });

  it.each(IMAGES)('mark what they make as %s', async (image) => {
    const templates = await readTemplates();
    const { tags, ami_name } = settingsOf(templates, buildOf(templates, image));
    const local = (value: unknown): string => String(templates.locals[String(value).slice('${local.'.length, -1)]);

    expect(local(tags)).toContain(`"carrierarr:image"`);
    expect(local(tags)).toMatch(new RegExp(`= "${image}"`));
    expect(local(ami_name)).toBe(`\${var.ami_prefix}-${image}-\${local.stamp}`);
    expect(buildOf(templates, image).provisioner.shell.at(-1)?.environment_vars).toContain(`"IMAGE=${image}"`);
  });

  it('bring along everything that the scripts read', async () => {
    const { locals } = await readTemplates();
    const names = [...String(locals.tree).matchAll(/"([a-z.-]+)"/g)].map(([, name]) => name);

    expect(names).toEqual(['base', 'lighthouse', 'gpu-worker', 'lib', 'versions.env', 'bake.sh']);
  });

  it('differ in their names, sizes, versions and scripts alone', async () => {
    const plain = ({ name, provisioner, 'post-processor': after }: Build): string =>
      JSON.stringify({ provisioner, after })
        .replaceAll(new RegExp(`\\b${name}\\b`, 'g'), 'IMAGE')
        .replace(/"scripts":".*?local\.scripts_last\)\}"/, '"scripts":"SCRIPTS"');

    const { builds } = await readTemplates();

    expect(new Set(builds.map(plain)).size).toBe(1);
  });

  it.each(IMAGES)('mark %s with the same words as Image Builder', async (image) => {
    const { locals } = await readTemplates();
    const own = locals[`${image.replace('-', '_')}_tags`];
    const words = (value: unknown): string[] =>
      [...String(value).matchAll(/"([\w:-]+)" *=/g)].map(([, word = '']) => word);
    const shared = Object.keys(z.record(z.string(), z.string()).parse(locals.tags));

    const marks = [...shared, ...words(own)].filter((word) => word !== 'carrierarr:source-ami');

    expect([...marks, TAG.fleet].sort()).toEqual(Object.keys(imageTags(parseConfig({}), image, true)).sort());
  });
});
