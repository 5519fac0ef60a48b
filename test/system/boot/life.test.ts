import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretValue } from '../../ssm/fake-instance.ts';
import { anIdentity } from '../../ssm/identity-builders.ts';
import { skipLoudly } from '../support/nebula-programs.ts';
import { eventually } from './support/machine.ts';
import { bootNebula, bootObstacle } from './support/obstacle.ts';
import { runStepOn } from './support/steps.ts';
import { tracesOf } from './support/traces.ts';
import { World } from './support/world.ts';

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
    const { machine } = await bootedMachine();
    const before = await machine.sh(PROCESSES);

    await machine.sh('systemctl restart carrierarr-boot');

    expect(await machine.verdict()).toMatchObject({ done: true });
    expect(await machine.sh(PROCESSES)).toBe(before);
  });

  it.concurrent('boots again by itself, with its cluster as it was', async () => {
    const booted = await bootedMachine();
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
    expect((await machine.timeline()).get('boot-start')).toBeGreaterThan(machine.startedAt);
    expect(await tracesOf(world, booted)).toEqual([]);
  });

  it.concurrent('is back in the mesh when Nebula was killed', async () => {
    const { machine, meshAddress, echo } = await bootedMachine();
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
    const booted = await bootedMachine();
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
    const { machine } = await world.boot({
      prepare: (instance) => {
        instance.metadata.delete('meta-data/iam/security-credentials/');
      },
    });
    await eventually('start of the boot', () =>
      machine.has('/run/carrierarr/timeline').then((has) => has || undefined),
    );

    await machine.sh('systemctl kill --signal=KILL carrierarr-boot');

    expect(await machine.verdict()).toMatchObject({
      done: false,
      text: expect.stringContaining('carrierarr-boot.service ended without a verdict (signal)'),
    });
  });
});
