/**
 * Boots a whole virtual machine from the image's files: a kernel of its own, udev, the real cloud-init with its
 * datasource for EC2, against the same metadata, Secrets Manager and homelab as test/system/boot. QEMU emulates the
 * processor (TCG), so that neither KVM nor AWS is needed, and times are several times those of a real machine.
 *
 *   node test/vm/boot-vm.ts [role, default gpu-worker]      see test/vm/README.md
 */
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROLES } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';
import { certificateToPem } from '../../lambda/identity/certificate/index.ts';
import { agentMembers, serverMembers } from '../ssm/cluster-builders.ts';
import { FakeInstance, secretValue } from '../ssm/fake-instance.ts';
import { anIdentity, authority } from '../ssm/identity-builders.ts';
import { startCloud } from '../system/boot/support/cloud.ts';
import { Ground } from '../system/boot/support/ground.ts';
import { startHomelab } from '../system/boot/support/homelab.ts';
import { bootNebula, bootObstacle } from '../system/boot/support/obstacle.ts';
import { addressOf, layWire, macOf } from '../system/boot/support/wire.ts';
import { imageEnvironment } from '../system/boot/support/world.ts';
import { workerAgentProgram } from '../system/support/agent-programs.ts';

const CACHE = process.env.CARRIERARR_VM_CACHE ?? '/var/tmp/carrierarr-vm/debian.tar';
const CONSOLE = process.env.CARRIERARR_VM_CONSOLE;
const LIMIT_SECONDS = 600;
const NUMBER = 1;
const INSTANCE = 'ec2f7a3c-0123-4567-89ab-cdef01234567';
const ID = 'i-0123456789abcdef0';
const NAME = 'gpu-worker-001';
const MESH_ADDRESS = '10.100.2.1';

const wanted = process.argv[2] ?? 'gpu-worker';
const role = ROLES.find((each) => each === wanted);
if (role === undefined) {
  throw new ConfigurationError({ what: 'no such role', got: wanted, allowed: ROLES.join(', '), remedy: 'name one' });
}
if (bootObstacle !== undefined) {
  throw new ConfigurationError({ what: `no machine can be booted here: ${bootObstacle}`, remedy: 'run it as root' });
}

/** As EC2 presents itself to cloud-init. */
const qemu = [
  'qemu-system-x86_64',
  ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024', '-no-reboot', '-nographic'],
  ...['-kernel', '/run/vm/kernel', '-initrd', '/run/vm/initrd'],
  ...['-append', 'root=/dev/vda rw console=ttyS0 net.ifnames=0'],
  ...['-drive', 'file=/run/vm/disk,format=raw,if=virtio,cache=unsafe'],
  ...['-netdev', 'tap,id=net,ifname=vm,script=no,downscript=no'],
  ...['-device', `virtio-net-pci,netdev=net,mac=${macOf(NUMBER)},romfile=`],
  ...['-smbios', `type=1,manufacturer=Amazon EC2,product=t3.medium,uuid=${INSTANCE},serial=${INSTANCE}`],
  ...['-smbios', `type=2,manufacturer=Amazon EC2,asset=${ID}`, '-smbios', 'type=0,vendor=Amazon EC2'],
];

const anInstance = (secret: Record<string, string>): FakeInstance => {
  const instance = new FakeInstance(role);
  const interfaces = `meta-data/network/interfaces/macs/${macOf(NUMBER)}`;
  const values = {
    'meta-data/local-ipv4': addressOf(NUMBER),
    'meta-data/tags/instance/carrierarr:worker': NAME,
    'meta-data/local-hostname': 'ip-172-31-0-101.us-west-2.compute.internal',
    'meta-data/placement/availability-zone': 'us-west-2a',
    'dynamic/instance-identity/document': JSON.stringify({ instanceId: ID, region: 'us-west-2' }),
    [`${interfaces}/device-number`]: '0',
    [`${interfaces}/local-ipv4s`]: addressOf(NUMBER),
  };
  for (const [path, value] of Object.entries(values)) instance.metadata.set(path, value);
  instance.secret = [secretValue(secret)];
  return instance;
};

const began = Date.now();
const say = (words: string): void => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${words}`);

/** Runs the machine to its end and gives what its console showed. */
const run = async (ground: Ground): Promise<string> => {
  const machine = ground.spawn(qemu, { stdio: ['ignore', 'pipe', 'inherit'] });
  let shown = '';
  machine.stdout?.on('data', (chunk: Buffer) => {
    shown += chunk.toString('utf8');
    if (CONSOLE !== undefined) appendFileSync(CONSOLE, chunk);
  });
  const limit = setTimeout(() => machine.kill(), LIMIT_SECONDS * 1000);
  await once(machine, 'close');
  clearTimeout(limit);
  return shown;
};

/** Says what the machine reported of itself; false where its boot or cloud-init did not end well. */
const tell = (shown: string, on: number): boolean => {
  const report = shown.split('\n').filter((line) => line.startsWith('report '));
  for (const line of report) {
    const [, time, mark] = /^report mark (\S+) (\S+)/.exec(line) ?? [];
    say(mark === undefined ? line.trim() : `${mark}, ${(Number(time) - on / 1000).toFixed(1)} s after power-on`);
  }
  const has = (words: string) => report.some((line) => line.includes(words));
  return has(' boot-done') && has('"DataSourceEc2');
};

const ground = await Ground.start();
try {
  await layWire(ground);
  const cloud = await startCloud(ground);
  const nebula = bootNebula();
  const homelab = await startHomelab(ground, nebula.path, certificateToPem(authority.certificate));
  const { secret } = anIdentity({ name: NAME }, MESH_ADDRESS);
  const members = role === 'lighthouse' ? serverMembers() : agentMembers();
  const trusted = `${secret.nebula_ca_crt?.trimEnd()}\n${homelab.caPem}`;
  cloud.instances.set(addressOf(NUMBER), anInstance({ ...secret, ...members, nebula_ca_crt: trusted }));

  say(`makes the disk (${CACHE})`);
  const environment = {
    ...imageEnvironment(nebula, cloud.authorityPem, 'Driver=virtio_net'),
    AGENT: await workerAgentProgram(),
    CACHE,
  };
  await ground.run(`bash '${join(import.meta.dirname, 'disk.sh')}' ${role}`, environment);
  await ground.run('ip tuntap add vm mode tap; ip link set vm mtu 9001 master wire up');

  say('switches the machine on');
  const on = Date.now();
  const echo = homelab.ping(MESH_ADDRESS);
  echo.first.then(
    (at) => say(`answers through the mesh, ${((at - on) / 1000).toFixed(1)} s after power-on`),
    (error: Error) => say(error.message),
  );
  const shown = await run(ground);
  echo.stop();
  cloud.close();
  if (!tell(shown, on)) {
    console.log(shown.slice(-4000));
    process.exitCode = 1;
  }
} finally {
  await ground.close();
}
