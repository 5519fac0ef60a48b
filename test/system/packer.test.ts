import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IMAGES } from '#contract';
import { packer, Templates, versionOf } from './support/packer.ts';

const DEBIANS = 'packer';
const version = versionOf(DEBIANS);
if (version === undefined) console.warn('SKIPPED: templates are not validated, packer is not installed');
const old = version !== undefined && /^1\.[0-6]\./.test(version);

// A current Packer brings no builder along: where one is named, `packer init` must have been run for ami/.
const current = process.env.PACKER_BIN;
if (current === undefined) console.warn('SKIPPED: no current Packer looks at the templates, PACKER_BIN names none');

// The old one evaluates values in an order that changes with each run, and names one that it missed: what was planted
// (`Invalid index`, the file), or a value that hangs on it.
const NO_VERSION = /Invalid index\s+on al2023\.pkr\.hcl|Unsupported attribute/;
const NO_VERSIONS = /no file exists at versions\.env|Unsupported attribute/;

describe.skipIf(version === undefined)('Packer', () => {
  it('finds nothing to format, and would find it', () => {
    using templates = new Templates({ old });
    const asItIs = packer(DEBIANS, ['fmt', '-check', '-diff', 'ami'], '.');

    templates.change('base.pkr.hcl', (text) => text.replace('  name = "base"', 'name="base"'));
    const changed = packer(DEBIANS, ['fmt', '-check', '.'], templates.folder);

    expect(asItIs).toEqual({ status: 0, output: '' });
    expect(changed.status).not.toBe(0);
  });

  it.skipIf(!old).each([
    ['as they are', []],
    ['one at a time, in the seed’s words', ['-only=gpu-worker.*', '-var', 'aws_region=us-west-2']],
    ['with the recommended versions', ['-var-file=recommended.pkrvars.hcl']],
    [
      'with a profile, a group and a subnet of one’s own',
      ['-var=iam_instance_profile=p', '-var=security_group_id=sg-1', '-var=subnet_id=subnet-1'],
    ],
  ])('accepts the templates %s', (_, args) => {
    using templates = new Templates({ old });

    expect(packer(DEBIANS, ['validate', ...args, '.'], templates.folder)).toEqual({ status: 0, output: '' });
  });

  it.skipIf(!old).each<[string, (templates: Templates) => void, RegExp]>([
    [
      'a script that is not there',
      (templates) => templates.remove('base/scripts/10-system.sh'),
      /Bad script.*10-system\.sh/,
    ],
    ['a part of the tree that is not there', (templates) => templates.remove('lib'), /Bad source.*lib/],
    ['versions that are not there', (templates) => templates.remove('versions.env'), NO_VERSIONS],
    [
      'a version that is not in the list',
      (templates) => templates.change('versions.env', (text) => text.replace(/^AL2023_AMI_NAME=.*$/m, '')),
      NO_VERSION,
    ],
    [
      'a variable that nobody declared',
      (templates) =>
        templates.change('gpu-worker.pkr.hcl', (text) => text.replace('var.ollama_version', 'var.olama_version')),
      /olama_version/,
    ],
    [
      'a setting that the builder does not know',
      (templates) => templates.change('al2023.pkr.hcl', (text) => text.replace('ssh_interface', 'ssh_interfaces')),
      /ssh_interfaces/,
    ],
    [
      'Session Manager without a profile',
      (templates) =>
        templates.change('al2023.pkr.hcl', (text) =>
          text.replace(/ {2}temporary_iam_instance_profile_policy_document \{[\s\S]*?\n {2}\}\n/, ''),
        ),
      /no iam_instance_profile defined/,
    ],
    [
      'a volume faster than there are',
      (templates) => templates.change('base.pkr.hcl', (text) => text.replace('= 3000', '= 300')),
      /IOPS must be between/,
    ],
  ])('refuses %s', (_, plant, words) => {
    using templates = new Templates({ old });
    plant(templates);

    const { status, output } = packer(DEBIANS, ['validate', '.'], templates.folder);

    expect(status).not.toBe(0);
    expect(output).toMatch(words);
  });

  it.skipIf(!old)('starts from AL2023 at the exact name that versions.env has, and nothing else', () => {
    using templates = new Templates({ old });
    const [, name = ''] = /^AL2023_AMI_NAME=(.*)$/m.exec(readFileSync('ami/versions.env', 'utf8')) ?? [];

    const { output } = packer(DEBIANS, ['inspect', '.'], templates.folder);

    expect(name).toMatch(/^al2023-ami-2023\.\d+\.\d{8}\.\d+-kernel-6\.1-x86_64$/);
    expect(output).toContain(`local.source_ami_name: "${name}"`);
  });

  it.skipIf(!old).each([
    ['nobody built it', undefined, ['"none"', '"none"', '""']],
    ['its own build left it', '../agent/worker/dist', ['""', '"none"', '""']],
    ['somebody put it there', 'worker-agent', ['""', '"none"', '""']],
  ])('decides about the agent where %s', (_, folder, expected) => {
    using templates = new Templates({ old });
    if (folder !== undefined) templates.buildAgent(folder);
    const inspect = (choice: string) =>
      packer(DEBIANS, ['inspect', '-var', `worker_agent=${choice}`, '.'], templates.folder).output;

    const answers = ['auto', 'none', 'required'].map(inspect);

    expect(answers.map((answer) => /local\.worker_agent: (".*")/.exec(answer)?.[1])).toEqual(expected);
    expect(answers[0]?.includes(`"./${folder}\\"`)).toBe(folder !== undefined);
  });
});

describe.skipIf(current === undefined)('a current Packer', () => {
  it.each(IMAGES)('accepts the template of %s, every setting of it', (image) => {
    using templates = new Templates({ old: false });

    const { status, output } = packer(current ?? '', ['validate', `-only=${image}.*`, '.'], templates.folder);

    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('valid') });
  });
});
