import { readFileSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { scriptsOf } from '../../lib/images/script-list.ts';
import { buildWorkerAgent, publishK3s, publishNebula, publishTools } from './support/artifacts.ts';
import { BakeSandbox } from './support/bake-sandbox.ts';

const MODULES = ['overlay', 'br_netfilter', 'tun', 'wireguard', 'vxlan', 'geneve'];
const VALIDATE = 'base/scripts/95-validate.sh';
const PEM = `${'-----BEGIN'} EC PRIVATE KEY-----\nMHcC\n`;

let baked: BakeSandbox;
let sandbox: BakeSandbox;
beforeAll(() => {
  baked = new BakeSandbox();
  publishNebula(baked);
  buildWorkerAgent(baked);
  for (const name of MODULES) baked.module(name);
  baked.write('etc/machine-id', '');
  baked.says('df', 'Avail\n5000\n');
  for (const name of scriptsOf('base').slice(0, -1)) {
    const { status, stderr } = baked.script(name.replace('ami/', ''));
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
  }
});
afterAll(() => baked.remove());
beforeEach(() => {
  sandbox = new BakeSandbox(baked);
});
afterEach(() => sandbox.remove());

const validate = (env: Record<string, string> = {}): string[] => {
  const { status, stderr } = sandbox.script(VALIDATE, 'base', env);
  const faults = [...stderr.matchAll(/^fault: (.*)$/gm)].map(([, text]) => text ?? '');
  expect(status).toBe(faults.length === 0 ? 0 : 1);
  return faults;
};

/** What can be wrong with an image, and what is said of it. Entries of a list do not stand in each other's way. */
type Fault = [name: string, plant: () => void, said: RegExp];
const MANY: Fault[] = [
  ['a private key', () => sandbox.write('opt/thing/settings', PEM), /secret: \/opt\/thing\/settings/],
  ['an access key', () => sandbox.write('root/notes', `AK${'IA'}ABCDEFGHIJKLMNOP\n`), /secret: \/root\/notes/],
  ['a token of k3s', () => sandbox.write('var/log/x', `K10${'0'.repeat(64)}::server:a`), /secret: \/var\/log\/x/],
  ['a kubeconfig', () => sandbox.write('usr/local/etc/a.kubeconfig', ''), /called like a key/],
  [
    'a host key',
    () => sandbox.write('etc/ssh/ssh_host_ed25519_key', 'x'),
    /host key: \/etc\/ssh\/ssh_host_ed25519_key/,
  ],
  ['somebody who may log in', () => sandbox.write('home/ec2-user/.ssh/authorized_keys', 'x'), /access: \/home/],
  ['a machine-id of one newline', () => sandbox.write('etc/machine-id', '\n'), /machine-id holds 1 bytes/],
  ['a history', () => sandbox.write('root/.bash_history', 'ls'), /history: /],
  ['state of cloud-init', () => sandbox.write('var/lib/cloud/sem/x', ''), /state of cloud-init/],
  ['an identity in the mesh', () => sandbox.write('etc/nebula/host.crt', 'x'), /mesh identity: \/etc\/nebula/],
  ['an identity in the cluster', () => sandbox.write('etc/rancher/node/password', 'x'), /cluster identity/],
  ['a token of the cluster', () => sandbox.write('var/lib/rancher/k3s/server/token', 'x'), /server\/token/],
  ['state of a worker', () => sandbox.write('var/lib/carrierarr/in-service', 'i-1'), /state of a worker/],
  ['left-overs', () => sandbox.write('var/cache/carrierarr/k3s', 'x'), /left-over/],
  ['no manifest', () => rmSync(sandbox.path('etc/carrierarr/image.json')), /image\.json is missing/],
  ['amazon-ec2-net-utils', () => sandbox.package('amazon-ec2-net-utils', '2'), /amazon-ec2-net-utils is installed/],
  ['an unsaid setting', () => sandbox.write('etc/systemd/networkd.conf.d/10-cni.conf', '[Network]\n'), /10-cni\.conf/],
  [
    'no network',
    () => rmSync(sandbox.path('etc/systemd/network'), { recursive: true }),
    /no file with DHCP|80-ec2\.network/,
  ],
  [
    'a unit that does not start',
    () => sandbox.disable('carrierarr-boot.service'),
    /carrierarr-boot\.service is disabled/,
  ],
  ['a changed file', () => sandbox.write('usr/local/lib/carrierarr/boot.sh', ''), /boot\.sh is missing or not the one/],
  [
    'another Nebula',
    () => sandbox.setVersion('NEBULA_VERSION', '1.9.9'),
    /nebula should be Version: 1\.9\.9 and says: V/,
  ],
  ['no worker agent', () => rmSync(sandbox.path('usr/local/bin/worker-agent')), /worker-agent is missing/],
  [
    'an old SSM agent',
    () => sandbox.package('amazon-ssm-agent', '3.3.2299.0'),
    /3\.3\.2299\.0 is older than 3\.3\.2746/,
  ],
  [
    'an old jq',
    () =>
      sandbox.program('jq', 'if [[ $1 == -nc ]]; then echo "Unknown arguments" >&2; exit 2; fi; exec /usr/bin/jq "$@"'),
    /jq is missing or older/,
  ],
  ['an old curl', () => sandbox.program('curl', 'echo "curl 7.61.1 (x86_64)"'), /curl 7\.61\.1 cannot sign/],
  ['no flock', () => sandbox.program('flock', 'exit 1'), /flock -w does not work/],
  ['a module for another kernel', () => sandbox.module('wireguard', '6.1.1'), /wireguard was made for kernel 6\.1\.1/],
  ['no lock on the kernel', () => rmSync(`${sandbox.folder}/locked`), /no versionlock/],
  ['a full disk', () => sandbox.says('df', 'Avail\n1999\n'), /1999 MiB are free, 2048 must be/],
];
const OTHERS: Fault[] = [
  ['rules that nft refuses', () => sandbox.fails('nft'), /imds-guard\.nft is refused/],
  ['another kernel to boot', () => sandbox.says('grubby', '/boot/vmlinuz-6.1.1\n'), /boots (kernel )?6\.1\.1/],
  ['no machine-id', () => rmSync(sandbox.path('etc/machine-id')), /machine-id is missing/],
  [
    'the manifest of another',
    () => sandbox.write('etc/carrierarr/image.json', '{"image":"gpu-worker"}'),
    /of image gpu-/,
  ],
  ['no Nebula', () => rmSync(sandbox.path('usr/local/bin/nebula')), /nebula is missing/],
  ['no SSM agent', () => sandbox.package('amazon-ssm-agent'), /there is no SSM agent/],
  [
    'an old bash',
    () => sandbox.program('bash', 'if [[ $1 == -c ]]; then echo 4; else exec /bin/bash "$@"; fi'),
    /bash is older than 5/,
  ],
];

describe('an image that is fit', () => {
  it('passes, and the tree of the bake is gone with its last script', () => {
    expect(validate()).toEqual([]);

    expect(sandbox.exists('opt/carrierarr/bake')).toBe(false);
  });

  it('is looked at without its repositories, whose lists the clean-up has just taken away', () => {
    sandbox.forgetCalls();

    validate();

    const asked = sandbox.calls().filter((call) => call.startsWith('dnf'));
    expect(asked.filter((call) => !call.includes('--disablerepo=*'))).toEqual([]);
  });

  it('may lack the worker agent where it was to be without', () => {
    rmSync(sandbox.path('usr/local/bin/worker-agent'));

    expect(validate({ WORKER_AGENT: 'none' })).toEqual([]);
  });
});

describe('an image with faults', () => {
  it.each([
    ['most of what can be', MANY],
    ['what cannot be at the same time', OTHERS],
  ])('is told each of them, and no other: %s', (_, planted) => {
    for (const [, plant] of planted) plant();

    const faults = validate();

    expect(planted.filter(([, , said]) => !faults.some((fault) => said.test(fault))).map(([name]) => name)).toEqual([]);
    expect(faults.filter((fault) => !planted.some(([, , said]) => said.test(fault)))).toEqual([]);
    expect(sandbox.exists('opt/carrierarr/bake')).toBe(true);
  });

  it.each(['a private key', 'a module for another kernel', 'a full disk'])(
    'fails the bake by one alone: %s',
    (name) => {
      MANY.find(([each]) => each === name)?.[1]();

      expect(validate()).toHaveLength(1);
    },
  );

  it('is told nothing that is secret', () => {
    sandbox.write('root/key', PEM);

    expect(validate().join()).not.toContain('MHcC');
  });
});

describe('the clean-up', () => {
  it('stops the dead-man switch of a parent that is an image of ours, before it forgets what that wrote down', () => {
    sandbox.program('systemctl', 'if [[ $1 == stop ]]; then rm -f "$SANDBOX/ticking"; fi');
    sandbox.program(
      'find',
      '/usr/bin/find "$@"; [[ $1 != */var/lib/carrierarr ]] || ! [[ -e $SANDBOX/ticking ]] || touch "$1/life"',
    );
    sandbox.write('../ticking', '');
    sandbox.write('var/lib/carrierarr/life', 'i-1 b 0 60');

    expect(sandbox.script('base/scripts/90-cleanup.sh').status).toBe(0);

    expect(sandbox.exists('var/lib/carrierarr/life')).toBe(false);
  });

  it('takes away what the bake and the builder have left, and nothing of the image', () => {
    const leftovers = [
      'etc/ssh/ssh_host_rsa_key',
      'root/.ssh/authorized_keys',
      'home/ec2-user/.ssh/authorized_keys',
      'root/.bash_history',
      'var/lib/cloud/instance/x',
      'var/lib/cloud/sem/y',
      'etc/nebula/host.key',
      'etc/rancher/node/password',
      'etc/hostname',
      'var/lib/rancher/k3s/server/tls/ca.key',
      'var/lib/rancher/k3s/agent/client.key',
      'var/lib/carrierarr/armed',
      'var/cache/dnf/x',
      'var/cache/carrierarr/y',
      'var/lib/amazon/ssm/Vault/Store/k',
      'var/lib/dkms/mok.key',
      'var/tmp/x',
      'root/.aws/credentials',
      'root/.ollama/id_ed25519',
      'etc/carrierarr/node.env',
    ];
    const kept = [
      'var/lib/rancher/k3s/server/manifests/a.yaml',
      'var/lib/rancher/k3s/data/current/bin/containerd',
      'var/lib/rancher/k3s/agent/containerd/x',
      'etc/carrierarr/image.json',
      'var/lib/cloud/scripts/per-boot/x',
      'var/tmp/systemd-private-1/x',
      'var/lib/amazon/ssm/i-0123/x',
    ];
    for (const file of [...leftovers, ...kept]) sandbox.write(file, 'x');
    sandbox.write('var/log/messages', 'a line');
    sandbox.write('etc/machine-id', '0123');

    for (const _ of [1, 2])
      expect(sandbox.script('base/scripts/90-cleanup.sh')).toMatchObject({ status: 0, stderr: '' });

    expect(leftovers.filter((file) => sandbox.exists(file))).toEqual([]);
    expect(kept.filter((file) => !sandbox.exists(file))).toEqual([]);
    expect([sandbox.read('etc/machine-id'), sandbox.read('var/log/messages')]).toEqual(['', '']);
    expect(sandbox.exists('opt/carrierarr/bake/bake.sh')).toBe(true);
  });
});

/** What an image's lists say that it downloads, as the manifest names it. */
const downloads = (...images: string[]): string[] =>
  images.flatMap((image) =>
    [...readFileSync(`ami/${image}/downloads.txt`, 'utf8').matchAll(/^([A-Z][A-Z0-9_]*) /gm)].map(([, product = '']) =>
      product.toLowerCase().replaceAll('_', '-'),
    ),
  );

describe('a whole lighthouse', () => {
  it('goes through the list in its order and comes out fit', () => {
    publishTools(sandbox);
    publishK3s(sandbox);

    const { status, stdout, stderr } = sandbox.bake('lighthouse');

    expect({ status, faults: stderr.match(/^fault: .*$/gm) }).toEqual({ status: 0, faults: null });
    expect([...stdout.matchAll(/^== (\S+\.sh)/gm)].map(([, name]) => `ami/${name}`)).toEqual(scriptsOf('lighthouse'));
    const checked = Object.entries(sandbox.manifest().versions).filter(([, { sha256 }]) => sha256 !== undefined);
    expect(checked.map(([name]) => name)).toEqual([...downloads('base', 'lighthouse'), 'worker-agent'].toSorted());
  });

  it('stops at the first script that fails', () => {
    publishTools(sandbox);
    publishK3s(sandbox);
    sandbox.pin('HELM', sandbox.version('HELM_VERSION'), 'd'.repeat(64));

    const { status, stdout } = sandbox.bake('lighthouse');

    expect(status).not.toBe(0);
    expect(stdout).toContain('20-tools.sh');
    expect(stdout).not.toContain('30-charts.sh');
  });

  it('is missed where only base was baked', () => {
    const faults = sandbox.script(VALIDATE, 'lighthouse').stderr;

    const missing = ['k3s is missing', 'helm is', 'liqoctl is', 'chart cilium-', 'not been unpacked', 'k3s.service'];
    expect(missing.filter((text) => !faults.includes(text))).toEqual([]);
  });
});
