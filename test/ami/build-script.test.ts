import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const INSTALL_OR_NAME = 'install Packer 1.9 or later, or name it in PACKER';

describe('ami/build.sh', () => {
  let bin = '';
  const calls = () => join(bin, 'calls');
  /** A program that notes its arguments and the folder it was called in. */
  const stub = (name: string, code = 0) => {
    writeFileSync(
      join(bin, name),
      `#!/bin/bash\nprintf '%s\\n' "\${PWD##*/}: ${name} $*" >>"${calls()}"\nexit ${code}\n`,
    );
    chmodSync(join(bin, name), 0o755);
  };
  const run = (program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    spawnSync(program, args, { encoding: 'utf8', env: { PATH: bin, ...environment } });
  const noted = () => readFileSync(calls(), 'utf8').trim().split('\n');

  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'carrierarr-build-'));
    for (const name of ['bash', 'make']) {
      symlinkSync(spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim(), join(bin, name));
    }
    stub('npm');
    stub('packer');
    stub('session-manager-plugin');
  });
  afterEach(() => rmSync(bin, { recursive: true }));

  it('builds one image as the seed did by hand, and hands on what Packer shall know', () => {
    const { status } = run('bash', ['ami/build.sh', 'gpu-worker', '-var', 'aws_region=us-west-2']);

    expect(status).toBe(0);
    expect(noted()).toEqual([
      'ami: npm --prefix .. run --silent build:worker-agent',
      'ami: packer init .',
      'ami: packer validate -only=gpu-worker.* -var aws_region=us-west-2 .',
      'ami: packer build -only=gpu-worker.* -var aws_region=us-west-2 .',
    ]);
  });

  it('makes no agent for an image that is to be without', () => {
    run('bash', ['ami/build.sh', 'base', '-var', 'worker_agent=none']);

    expect(noted()[0]).toBe('ami: packer init .');
  });

  it('builds no image where the agent could not be built', () => {
    stub('npm', 1);

    const { status } = run('bash', ['ami/build.sh', 'base']);

    expect(status).toBe(1);
    expect(noted()).toHaveLength(1);
  });

  it('builds all images at once', () => {
    run('bash', ['ami/build.sh', 'all']);

    expect(noted().at(-1)).toBe('ami: packer build .');
  });

  it.each(['base', 'lighthouse', 'gpu-worker', 'all'])('is what make and npm run for %s', (image) => {
    const { status } = run('make', ['--silent', `ami-${image}`, 'ARGS=-on-error=abort']);
    const only = image === 'all' ? '' : ` -only=${image}.*`;
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));

    expect(status).toBe(0);
    expect(noted().at(-1)).toBe(`ami: packer build${only} -on-error=abort .`);
    expect(scripts[`ami:${image}`]).toBe(`bash ami/build.sh ${image}`);
  });

  it('builds nothing that does not validate', () => {
    writeFileSync(join(bin, 'packer'), `#!/bin/bash\necho "$1" >>"${calls()}"\n[[ $1 != validate ]]\n`);

    const { status } = run('bash', ['ami/build.sh', 'base']);

    expect(status).toBe(1);
    expect(noted().slice(1)).toEqual(['init', 'validate']);
  });

  it.each([
    [
      'an image that there is not',
      ['ami/build.sh', 'worker'],
      {},
      64,
      "IMAGE is 'worker': base, lighthouse, gpu-worker or all",
    ],
    ['a Packer that is not there', ['ami/build.sh', 'base'], { PACKER: 'packer-next' }, 69, INSTALL_OR_NAME],
  ])('refuses %s and says what to do', (_, args, environment, code, words) => {
    const { status, stderr } = run('bash', args, environment);

    expect(status).toBe(code);
    expect(stderr).toContain(words);
  });

  it('refuses to begin without the plugin that Session Manager needs', () => {
    rmSync(join(bin, 'session-manager-plugin'));

    const { status, stderr } = run('bash', ['ami/build.sh', 'base']);

    expect(status).toBe(69);
    expect(stderr).toContain('session-manager-plugin is not on the PATH');
  });
});
