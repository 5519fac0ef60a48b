import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptsOf } from '../../lib/images/script-list.ts';
import { BakeSandbox } from './support/bake-sandbox.ts';

const URL = 'https://example.org/program';
const PIN = 'PROGRAM';

let sandbox: BakeSandbox;
beforeEach(() => {
  sandbox = new BakeSandbox();
});
afterEach(() => sandbox.remove());

/** Runs one line with the library. */
const line = (text: string, env: Record<string, string> = {}) =>
  sandbox.run(['bash', '-c', `source "$BAKE_DIR/lib/bake.sh"\n${text}`], { IMAGE: 'base', ...env });
const fetch = (version = '1.0+x') => line(`bake_fetch ${PIN} '${version}' ${URL} "$BAKE_CACHE/program"`);

describe('the list of scripts', () => {
  it.each(['base', 'lighthouse', 'gpu-worker'] as const)('of %s is the one that the other builders run', (image) => {
    const { stdout } = sandbox.bake(image, {}, '--list');

    expect(stdout.trimEnd().split('\n')).toEqual(scriptsOf(image).map((name) => name.replace('ami/', '')));
  });

  it('leaves cleaning and validation out where a node installs itself', () => {
    const { stdout } = sandbox.bake('lighthouse', {}, '--list', '--node');

    const kept = scriptsOf('lighthouse').filter((name) => !name.includes('/9'));
    expect(stdout.trimEnd().split('\n')).toEqual(kept.map((name) => name.replace('ami/', '')));
  });

  it('knows no other option', () => {
    expect(sandbox.bake('base', {}, '--dry-run')).toMatchObject({ status: 64, stdout: '' });
  });

  it('is of no other image', () => {
    expect(sandbox.run(['bash', 'ami/bake.sh', 'worker'])).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('none of base'),
    });
  });
});

describe('what is downloaded', () => {
  it('is kept when it is what versions.env says, and written into the manifest', () => {
    const sum = sandbox.publish(URL, 'a program');
    sandbox.pin(PIN, '1.0+x', sum);

    expect(fetch().status).toBe(0);

    expect(sandbox.read('var/cache/carrierarr/program')).toBe('a program');
    expect(sandbox.manifest()).toEqual({ image: 'base', versions: { program: { version: '1.0+x', sha256: sum } } });
    expect(sandbox.mode('etc/carrierarr/image.json')).toBe('644');
    expect(sandbox.calls()[0]).toMatch(/--proto =https .*--retry 5 .*--output \/var\/cache\/carrierarr\/program.part/);
  });

  it('is not asked for again', () => {
    sandbox.pin(PIN, '1.0+x', sandbox.publish(URL, 'a program'));
    fetch();

    fetch();

    expect(sandbox.downloads()).toEqual([URL]);
  });

  it('is thrown away when it is something else', () => {
    sandbox.publish(URL, 'another program');
    sandbox.pin(PIN, '1.0+x', '0'.repeat(64));

    const { status, stderr } = fetch();

    expect(status).toBe(1);
    expect(stderr).toMatch(/has sha256 [0-9a-f]{64}, versions.env says 0{64}/);
    expect(sandbox.exists('var/cache/carrierarr/program')).toBe(false);
    expect(sandbox.exists('var/cache/carrierarr/program.part')).toBe(false);
    expect(sandbox.exists('etc/carrierarr/image.json')).toBe(false);
  });

  it('is not even asked for without a checksum, and the remedy is named', () => {
    sandbox.publish(URL, 'a program');

    const { status, stderr } = fetch();

    expect(status).toBe(1);
    expect(stderr).toContain('npm run ami:pin -- PROGRAM 1.0+x');
    expect(sandbox.downloads()).toEqual([]);
  });

  it('may go by a checksum that its publisher gave at build time', () => {
    const sum = sandbox.publish(URL, 'a program');

    expect(line(`bake_fetch ${PIN} 2 ${URL} "$BAKE_CACHE/program" ${sum}`).status).toBe(0);
    expect(sandbox.manifest().versions.program).toEqual({ version: '2', sha256: sum });
  });

  it('says which address did not answer', () => {
    sandbox.pin(PIN, '1.0+x', '0'.repeat(64));

    expect(fetch()).toMatchObject({ status: 1, stderr: expect.stringContaining(`${URL} could not be fetched`) });
  });
});

describe('a version', () => {
  it('is that of versions.env, unless whoever builds chose another', () => {
    const text = 'echo "$NEBULA_VERSION"';

    expect(line(text).stdout).toBe(`${sandbox.version('NEBULA_VERSION')}\n`);
    expect(line('echo "$LIQO_VERSION"', { LIQO_VERSION: '1.2.1' }).stdout).toBe('1.2.1\n');
    expect(line(text, { NEBULA_VERSION: '1.9.7' }).stdout).toBe('1.9.7\n');
    expect(line(text, { NEBULA_VERSION: '' }).stdout).toBe(`${sandbox.version('NEBULA_VERSION')}\n`);
  });

  it('is not evaluated, and a checksum never comes from the environment', () => {
    sandbox.setVersion('NEBULA_VERSION', '$(touch$HOME/evil)');
    sandbox.pin(PIN, '1', 'a'.repeat(64));

    const { stdout } = line('echo "$NEBULA_VERSION"; bake_pin PROGRAM 1', { PROGRAM_SHA256_1: 'b'.repeat(64) });

    expect(stdout).toBe(`$(touch$HOME/evil)\n${'a'.repeat(64)}`);
  });
});

describe('files', () => {
  it('come verbatim, programs as programs, and are written once', () => {
    expect(line('bake_install_files lighthouse').status).toBe(0);
    const before = sandbox.snapshot();

    line('bake_install_files lighthouse; bake_install_files base');

    expect(sandbox.snapshot()).toMatchObject(before);
    expect(sandbox.mode('etc/systemd/system/k3s.service')).toBe('644');
    expect(sandbox.mode('usr/local/lib/carrierarr/boot.sh')).toBe('755');
  });

  it('are set right where somebody changed them', () => {
    line('bake_install_files lighthouse');
    sandbox.write('etc/systemd/system/k3s.service', 'changed', 0o600);

    line('bake_install_files lighthouse');

    expect(sandbox.read('etc/systemd/system/k3s.service')).toContain('k3s server');
    expect(sandbox.mode('etc/systemd/system/k3s.service')).toBe('644');
  });

  it('belong to an image that there is', () => {
    expect(line('true', { IMAGE: 'worker' })).toMatchObject({
      status: 64,
      stderr: expect.stringContaining("'worker'"),
    });
  });
});

describe('packages', () => {
  it('are installed only where they are missing, and nothing is updated', () => {
    sandbox.package('jq', '1.7.1');

    line('bake_packages jq nftables tar; bake_packages jq nftables tar');

    expect(sandbox.calls()).toEqual([expect.stringMatching(/^dnf --assumeyes .* install nftables tar$/)]);
  });

  it('stop the bake where they cannot be had', () => {
    sandbox.fails('dnf');

    expect(line('bake_packages nftables; echo went on').stdout).not.toContain('went on');
  });
});
