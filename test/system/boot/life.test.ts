import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsError, type FakeInstance, secretValue } from '../../ssm/fake-instance.ts';
import { anIdentity } from '../../ssm/identity-builders.ts';
import { skipLoudly } from '../support/nebula-programs.ts';
import { eventually } from './support/machine.ts';
import { bootNebula, bootObstacle } from './support/obstacle.ts';
import { runStepOn } from './support/steps.ts';
import { tracesOf } from './support/traces.ts';
import { World } from './support/world.ts';

/** An empty assignment takes away all of a timer. */
const QUICK_SWITCH = {
  '/etc/systemd/system/carrierarr-deadman.timer.d/test.conf': '[Timer]\nOnBootSec=\nOnBootSec=1s\nOnUnitActiveSec=1s\n',
};

const readyWithin =
  (seconds: number) =>
  ({ metadata }: FakeInstance): void => {
    const userData = metadata.get('user-data') ?? '';
    metadata.set('user-data', userData.replace(/^(CARRIERARR_READY_SECONDS=).*$/m, `$1${seconds}`));
  };

/** A disk of the instance, blank until somebody formats it; what is asked of it is written down. */
const INSTANCE_STORE = {
  '/etc/systemd/system/carrierarr-instance-store.service.d/test.conf': '[Unit]\nConditionVirtualization=\n',
  '/usr/local/bin/lsblk': `#!/bin/bash
fstype=null label=null
if [[ -e /var/lib/formatted ]]; then fstype='"xfs"' label='"carrierarr"'; fi
printf '{"blockdevices":[{"name":"nvme1n1","path":"/dev/nvme1n1","type":"disk","model":"Amazon EC2 NVMe Instance Storage",
"fstype":%s,"pttype":null,"label":%s,"size":125000000000,"mountpoints":[null]}]}' "$fstype" "$label"
`,
  '/usr/local/bin/wipefs': '#!/bin/bash\nexit 0\n',
  '/usr/local/bin/mkfs.xfs': '#!/bin/bash\necho "$*" >>/var/lib/formatted\n',
  '/usr/local/bin/mount': `#!/bin/bash
if [[ " $* " == *' /dev/nvme1n1 '* ]]; then exec /usr/bin/mount -t tmpfs models /var/lib/private/ollama; fi
exec /usr/bin/mount "$@"
`,
};

describe.skipIf(skipLoudly('the life of a machine after its boot', bootObstacle))('a machine that has booted', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(bootNebula());
  });
  afterAll(() => world.close());

  const bootedMachine = async (setting: Parameters<World['boot']>[0] = {}) => {
    const booted = await world.boot(setting);
    const verdict = await booted.machine.verdict();
    if (!verdict.done) throw new Error(verdict.text);
    await booted.machine.waitFor('k3s-agent');
    return booted;
  };
  const PROCESSES = 'systemctl show --property=MainPID nebula k3s-agent ollama worker-agent';

  it.concurrent('is left alone by a second run of the boot', async () => {
    await using booted = await bootedMachine();
    const { machine } = booted;
    const before = await machine.sh(PROCESSES);

    await machine.sh('systemctl restart carrierarr-boot');

    expect(await machine.verdict()).toMatchObject({ done: true });
    expect(await machine.sh(PROCESSES)).toBe(before);
  });

  it.concurrent('boots again by itself, with its cluster as it was', async () => {
    await using booted = await bootedMachine({ files: INSTANCE_STORE });
    const { machine, meshAddress } = booted;
    const files = 'cd /etc/rancher/k3s; stat -c "%n %y" *; sha256sum *';
    const before = await machine.sh(`${files}; touch /var/lib/rancher/k3s/kept`);

    await machine.reboot();

    expect(await machine.verdict()).toMatchObject({ done: true });
    await world.homelab.ping(meshAddress).first;
    expect(machine.boots).toBe(2);
    expect(await machine.waitFor('k3s-agent')).toBe('active');
    expect(await machine.sh(files)).toBe(before);
    expect(await machine.has('/var/lib/rancher/k3s/kept')).toBe(true);
    expect(await machine.waitFor('carrierarr-instance-store')).toBe('active');
    expect(await machine.sh('stat -f -c %T /var/lib/private/ollama; cat /var/lib/formatted')).toBe(
      'tmpfs\n-q -K -L carrierarr /dev/nvme1n1\n',
    );
    expect((await machine.timeline()).get('boot-start')).toBeGreaterThan(machine.startedAt);
    expect(await tracesOf(world, booted)).toEqual([]);
  });

  it.concurrent('is back in the mesh when Nebula was killed', async () => {
    await using booted = await bootedMachine();
    const { machine, meshAddress, echo } = booted;
    await echo.first;

    await machine.sh('kill -KILL "$(systemctl show --property=MainPID --value nebula)"');

    await eventually('restart of Nebula', async () =>
      (await machine.unit('nebula', 'NRestarts', 'SubState')).NRestarts === '1' ? true : undefined,
    );
    await world.homelab.ping(meshAddress).first;
    expect(await machine.unit('nebula', 'SubState')).toEqual({ SubState: 'running' });
    expect(await machine.unit('k3s-agent', 'NRestarts')).toEqual({ NRestarts: '0' });
  });

  it.concurrent('takes a renewed certificate without losing the mesh', async () => {
    await using booted = await bootedMachine();
    const { machine, name, meshAddress, secret } = booted;
    const renewed = anIdentity({ name }, meshAddress);
    machine.instance.secret = [secretValue({ ...secret, ...renewed.secret, nebula_ca_crt: secret.nebula_ca_crt })];
    const before = await machine.sh(PROCESSES);

    const verdict = await runStepOn(booted, 'renew-certificate', { Fingerprint: renewed.fingerprint });

    expect(verdict).toMatchObject({ ok: true, fingerprint: renewed.fingerprint });
    expect(await machine.sh(PROCESSES)).toBe(before);
    expect(await runStepOn(booted, 'node-status')).toMatchObject({
      boot: 'done',
      services: { 'carrierarr-boot': 'active', nebula: 'active' },
      certificate: { name, fingerprint: renewed.fingerprint },
    });
    await world.homelab.ping(meshAddress).first;
  });

  it.concurrent('says that its boot was killed', async () => {
    await using booted = await world.boot({
      prepare: (instance) => {
        instance.metadata.delete('meta-data/iam/security-credentials/');
      },
    });
    const { machine } = booted;
    await eventually('start of the boot', () =>
      machine.has('/run/carrierarr/timeline').then((has) => has || undefined),
    );

    await machine.sh('systemctl kill --signal=KILL carrierarr-boot');

    expect(await machine.verdict()).toMatchObject({
      done: false,
      text: expect.stringContaining('carrierarr-boot.service ended without a verdict (signal)'),
    });
  });

  it.concurrent('says that its boot never ran, and what kept it from that', async () => {
    await using booted = await world.boot({
      files: {
        '/etc/systemd/system/etc-nebula.mount':
          '[Mount]\nWhat=tmpfs\nWhere=/etc/nebula\nType=tmpfs\nOptions=size=none\n',
      },
    });
    const { machine } = booted;

    expect(await machine.verdict()).toMatchObject({
      done: false,
      text: expect.stringMatching(/^carrierarr-boot.service did not run, it requires what failed: etc-nebula.mount \(/),
    });
  });

  it.concurrent('takes nothing new when EC2 recommends to leave, and hands its pods over when it must', async () => {
    await using booted = await bootedMachine();
    const { machine } = booted;
    const { metadata } = machine.instance;
    const told = () => machine.read('/run/kubectl.told');
    const marked = (mark: string) =>
      eventually(`mark ${mark}`, async () => ((await machine.timeline()).has(mark) ? true : undefined));

    metadata.set('meta-data/events/recommendations/rebalance', '{"noticeTime":"2026-11-22T05:00:00Z"}');
    await marked('rebalance');
    await eventually('cordon', async () => ((await machine.has('/run/kubectl.told')) ? true : undefined));
    expect(await told()).not.toContain('eviction');
    const notice = { action: 'terminate', time: '2026-11-22T05:02:00Z' };
    metadata.set('meta-data/spot/instance-action', JSON.stringify(notice));
    await marked('interruption-drained');

    expect(JSON.parse(await machine.read('/run/carrierarr/interruption.json'))).toMatchObject(notice);
    expect(await told()).toContain('patch node carrierarr-gpu-worker-001');
    expect(await told()).toContain('/api/v1/namespaces/default/pods/llm-0/eviction');
  });

  it.concurrent('that nobody takes into service powers itself off', async () => {
    await using booted = await world.boot({
      prepare: (instance) => {
        instance.secret = [awsError('ResourceNotFoundException')];
        readyWithin(3)(instance);
      },
      files: QUICK_SWITCH,
    });
    const { machine } = booted;

    await eventually('power-off', () => machine.off || undefined);

    expect(machine.boots).toBe(1);
  });

  it.concurrent('that is in service stays on, also after a restart', async () => {
    await using booted = await bootedMachine({ prepare: readyWithin(30), files: QUICK_SWITCH });
    const { machine } = booted;
    const timer = () => machine.unit('carrierarr-deadman.timer', 'ActiveState');

    expect(await runStepOn(booted, 'enter-service')).toMatchObject({ ok: true });
    expect(await timer()).toEqual({ ActiveState: 'inactive' });
    await machine.reboot();
    await machine.verdict();

    await eventually('a look of the switch', async () =>
      (await timer()).ActiveState === 'inactive' ? true : undefined,
    );
    expect(Number((await machine.read('/var/lib/carrierarr/life')).split(' ')[2])).toBeGreaterThan(30);
    expect(machine.off).toBe(false);
  });
});
