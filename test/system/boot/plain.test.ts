import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipLoudly } from '../support/nebula-programs.ts';
import { bootNebula, bootObstacle } from './support/obstacle.ts';
import { type PlainLighthouse, preparePlainLighthouse } from './support/plain.ts';
import { tracesOf } from './support/traces.ts';
import { type MachineSetting, World } from './support/world.ts';

describe.skipIf(skipLoudly('machines that install themselves', bootObstacle))('a machine without our image', () => {
  let world: World;
  let plain: PlainLighthouse;
  let setting: MachineSetting;
  beforeAll(async () => {
    world = await World.start(bootNebula());
    plain = preparePlainLighthouse(bootNebula());
    setting = await world.preparePlain(plain);
  });
  afterAll(async () => {
    plain.sandbox.remove();
    await world.close();
  });

  it.concurrent('installs itself with the scripts of the image, and joins the mesh', async () => {
    await using booted = await world.boot(setting);
    const { machine, echo } = booted;

    const verdict = await machine.verdict();

    expect(verdict, await machine.sh('cat /var/log/carrierarr/plain.log | tail -n 20')).toMatchObject({ done: true });
    await echo.first;
    expect([...(await machine.timeline()).keys()]).toEqual(
      expect.arrayContaining(['plain-start', 'bundle-fetched', 'packages-installed', 'boot-start', 'boot-done']),
    );
    expect(await machine.waitFor('k3s')).toBe('active');
    expect(await machine.sh('systemctl is-active carrierarr-deadman.timer carrierarr-imds-guard')).toBe(
      'active\nactive\n',
    );
    expect(await tracesOf(world, booted)).toEqual([]);
  });

  it.concurrent('says so when the bundle is another one', async () => {
    await using booted = await world.boot({
      ...setting,
      prepare: (instance, secret) => {
        setting.prepare?.(instance, secret);
        instance.objects.set(`/${plain.bundleKey}`, Buffer.from('something else'));
      },
    });
    const { machine } = booted;

    expect(await machine.verdict()).toMatchObject({ done: false, text: expect.stringContaining('another checksum') });
  });
});
