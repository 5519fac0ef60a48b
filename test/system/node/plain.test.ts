import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderPlainUserData } from '../../../userdata/render-plain.ts';
import { CREDENTIALS } from '../../ssm/fake-instance.ts';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { plainValues } from '../../userdata/plain-values.ts';
import { aNode, type World } from './support.ts';

const BUCKET = '/cdk-hnb659fds-assets-111122223333-us-west-2/bake.tar.gz';
const TOLD =
  'printf "%s %s %s %s %s\\n" "$(basename "$0")" "$IMAGE" "$NEBULA_VERSION" "$K3S_VERSION" "$WORKER_AGENT" >>/run/baked\n';

/** The tree of ami/ with scripts of our own. */
const aBundle = (scripts: Readonly<Record<string, string>>): Buffer => {
  const tree = mkdtempSync(join(tmpdir(), 'carrierarr-bundle-'));
  cpSync('ami/bake.sh', join(tree, 'bake.sh'));
  for (const [path, text] of Object.entries(scripts)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  chmodSync(join(tree, 'bake.sh'), 0o755);
  const archive = execFileSync('tar', ['--create', '--gzip', '--directory', tree, '.']);
  rmSync(tree, { recursive: true });
  return archive;
};

const SCRIPTS = {
  'base/scripts/10-one.sh': TOLD,
  'base/scripts/90-cleanup.sh': 'touch /run/cleaned\n',
  'gpu-worker/scripts/10-two.sh': TOLD,
  'base/units.txt': '# comment\ncarrierarr-boot.service\ncarrierarr-deadman.timer\ncarrierarr-warm.service\n',
};

interface Plain extends World {
  readonly start: () => Promise<number>;
}

/** A bare machine: what boots is a program that writes down that it ran. */
const aBareMachine = async (scripts: Readonly<Record<string, string>> = SCRIPTS, sha256?: string): Promise<Plain> => {
  const world = await aNode();
  const bundle = aBundle(scripts);
  world.instance.objects.set(BUCKET, bundle);
  const bundleSha256 = sha256 ?? createHash('sha256').update(bundle).digest('hex');
  await world.node.shell('mount -t tmpfs tmpfs /opt');
  await world.node.write('/run/user-data', renderPlainUserData(plainValues({ bundleSha256 })), '0755');
  await world.node.write(
    '/usr/local/lib/carrierarr/boot.sh',
    '#!/bin/bash\necho booted >>/run/booted\ntouch /run/carrierarr/boot.done\n',
    '0755',
  );
  return { ...world, start: async () => (await world.node.run(['/run/user-data'])).code };
};

const reason = async ({ node }: World): Promise<string> => (await node.read('/run/carrierarr/boot.failed')).trimEnd();

describe.skipIf(sandboxObstacle !== undefined).concurrent('a machine without our image', () => {
  it('installs itself with the scripts of its role and boots', async () => {
    const machine = await aBareMachine();

    const code = await machine.start();

    expect(code).toBe(0);
    expect(await machine.node.read('/run/baked')).toBe(
      '10-one.sh gpu-worker 1.9.7 v1.31.2+k3s1 none\n10-two.sh gpu-worker 1.9.7 v1.31.2+k3s1 none\n',
    );
    expect(await machine.node.read('/run/booted')).toBe('booted\n');
    expect(await machine.node.shell('ls /run/cleaned 2>&1 || true')).toContain('No such file');
    expect(await machine.node.shell('systemctl is-active carrierarr-deadman.timer')).toBe('active\n');
  });

  it('marks its way', async () => {
    const machine = await aBareMachine();

    await machine.start();

    const lines = (await machine.node.read('/run/carrierarr/timeline')).trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['plain-start', 'bundle-fetched', 'packages-installed']);
    expect(lines.every((line) => /^\d{10}\.\d{3} /.test(line))).toBe(true);
  });

  it('has a dead-man switch before anything can fail, until the one of the image takes over', async () => {
    const look =
      'cp /etc/systemd/system/carrierarr-deadman-plain.* /run/; systemctl is-active carrierarr-deadman-plain.timer >/run/armed\n';
    const machine = await aBareMachine({ ...SCRIPTS, 'base/scripts/10-one.sh': look });

    await machine.start();

    expect(await machine.node.read('/run/armed')).toBe('active\n');
    expect(await machine.node.read('/run/carrierarr-deadman-plain.timer')).toContain('OnBootSec=7200s\n');
    expect(await machine.node.read('/run/carrierarr-deadman-plain.service')).toContain(
      'ExecStart=systemctl poweroff\n',
    );
    expect(await machine.node.shell('ls /etc/systemd/system')).not.toContain('deadman-plain');
  });

  it('leaves the switch armed where the installation fails, and says which words were the last', async () => {
    const machine = await aBareMachine({
      ...SCRIPTS,
      'gpu-worker/scripts/10-two.sh': 'echo "no kernel headers" >&2; exit 7\n',
    });

    const code = await machine.start();

    expect(code).toBe(7);
    expect(await reason(machine)).toBe('installation: bake.sh ended with 7: no kernel headers');
    expect(await machine.node.shell('systemctl is-active carrierarr-deadman-plain.timer')).toBe('active\n');
    expect(await machine.node.shell('ls /run/booted 2>&1 || true')).toContain('No such file');
  });

  it('does not run a bundle with another checksum', async () => {
    const machine = await aBareMachine(SCRIPTS, 'ab'.repeat(32));

    await machine.start();

    expect(await reason(machine)).toMatch(
      /^installation: the bundle ended with 1: the bundle has another checksum than abab/,
    );
    expect(await machine.node.shell('ls /run/baked 2>&1 || true')).toContain('No such file');
  });

  it('waits for its credentials and its bundle', async () => {
    const machine = await aBareMachine();
    machine.instance.deafCalls = 5;
    const bundle = machine.instance.objects.get(BUCKET) ?? Buffer.alloc(0);
    machine.instance.objects.delete(BUCKET);
    await machine.node.stub('sleep', '[[ -e /run/slept ]] || touch /run/slept; exec /bin/sleep 0.2');
    const appears = machine.node.until('[[ -e /run/slept ]]').then(() => machine.instance.objects.set(BUCKET, bundle));

    const code = await machine.start();

    await appears;
    expect(code).toBe(0);
  });

  it('gives up in the end', async () => {
    const machine = await aBareMachine();
    await machine.node.stub('curl', 'exit 7');

    await machine.start();

    expect(await reason(machine)).toBe(
      'installation: the bundle ended with 1: the bundle could not be fetched in 60 attempts',
    );
  });

  it('does not install itself again', async () => {
    const machine = await aBareMachine();
    await machine.start();

    const code = await machine.start();

    expect(code).toBe(0);
    expect((await machine.node.read('/run/baked')).split('\n')).toHaveLength(3);
  });

  it('leaves the verdict to the boot program once that runs', async () => {
    const machine = await aBareMachine();
    await machine.node.write(
      '/usr/local/lib/carrierarr/boot.sh',
      '#!/bin/bash\necho "no secret" >/run/carrierarr/boot.failed\nexit 1\n',
      '0755',
    );

    await machine.start();

    expect(await reason(machine)).toBe('no secret');
  });

  it('shows its credentials to nobody', async () => {
    const machine = await aBareMachine();
    await machine.node.stub('curl', 'printf "%s\\n" "$@" >>/run/arguments\nexec /usr/bin/curl "$@"');

    await machine.start();

    const seen = await machine.node.shell('cat /run/arguments /var/log/carrierarr/*');
    for (const hidden of Object.values(CREDENTIALS)) expect(seen).not.toContain(hidden);
  });
});
