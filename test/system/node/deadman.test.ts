import { describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aNode, type NodeOptions, type World } from './support.ts';

const DEADMAN = '/usr/local/lib/carrierarr/deadman.sh';
const INSTANCE = 'i-0123456789abcdef0';
const LIFE = '/var/lib/carrierarr/life';

/** A node on which a request to power off is written down. */
const aSwitch = async (options: NodeOptions = {}): Promise<World> => {
  const world = await aNode(options);
  await world.node.stub('systemctl', 'printf "%s\\n" "$*" >>/run/systemctl.told');
  return world;
};

/** As if the machine had lived that long in earlier boots. */
const afterALife = async ({ node }: World, seconds: number, instance = INSTANCE): Promise<void> =>
  await node.write(LIFE, `${instance} another-boot ${seconds} 0\n`);

const told = async ({ node }: World): Promise<string> =>
  await node.shell('cat /run/systemctl.told 2>/dev/null || true');

describe.skipIf(sandboxObstacle !== undefined).concurrent('the dead-man switch', () => {
  it('does nothing within the limit, and writes down how long the machine has lived', async () => {
    const world = await aSwitch();

    const { code } = await world.node.run([DEADMAN]);

    expect(code).toBe(0);
    expect(await told(world)).toBe('');
    expect(await world.node.read(LIFE)).toMatch(/^i-0123456789abcdef0 [0-9a-f-]{36} 0 \d+\n$/);
  });

  it('powers off beyond the limit that the user data names, and says why', async () => {
    const world = await aSwitch();
    world.instance.metadata.set('user-data', 'CARRIERARR_READY_SECONDS=600\n');
    await afterALife(world, 590);

    const { stderr } = await world.node.run([DEADMAN]);

    expect(await told(world)).toBe('poweroff\n');
    expect(stderr).toMatch(/not in service after 6\d\d s, the limit is 600 s: powering off/);
    expect(await world.node.read('/run/carrierarr/timeline')).toMatch(/ deadman\n$/);
  });

  it('insists where systemd refuses', async () => {
    const world = await aSwitch();
    await world.node.stub('systemctl', 'printf "%s\\n" "$*" >>/run/systemctl.told; [[ $* == *--force* ]]');
    await afterALife(world, 90_000);

    await world.node.run([DEADMAN]);

    expect(await told(world)).toBe('poweroff\npoweroff --force\n');
  });

  it.each([
    [
      'cannot be read',
      (world: World) => {
        world.instance.metadata.delete('user-data');
      },
    ],
    [
      'name no limit',
      (world: World) => {
        world.instance.metadata.set('user-data', 'CARRIERARR_READY_SECONDS=0\n');
      },
    ],
    [
      'come from no metadata service',
      (world: World) => {
        world.instance.deafCalls = 100;
      },
    ],
  ])('takes two hours where the user data %s', async (_, change) => {
    const world = await aSwitch();
    change(world);
    await afterALife(world, 7100);
    await world.node.run([DEADMAN]);
    const before = await told(world);

    await afterALife(world, 7200);
    await world.node.run([DEADMAN]);

    expect([before, await told(world)]).toEqual(['', 'poweroff\n']);
  });

  it('adds up what the machine lives over its restarts, a minute each at least', async () => {
    const world = await aSwitch();
    await world.node.write(LIFE, `${INSTANCE} another-boot 1000 500\n`);
    await world.node.run([DEADMAN]);
    const first = await world.node.read(LIFE);
    await world.node.write(LIFE, `${INSTANCE} another-boot 1000 3\n`);

    await world.node.run([DEADMAN]);

    expect(first).toMatch(/ 1500 \d+\n$/);
    expect(await world.node.read(LIFE)).toMatch(/ 1060 \d+\n$/);
  });

  it('counts what it has counted once within one boot', async () => {
    const world = await aSwitch();
    await world.node.run([DEADMAN]);
    await world.node.run([DEADMAN]);

    expect(await world.node.read(LIFE)).toMatch(/ 0 \d+\n$/);
  });

  it('is disarmed by the file that names this instance', async () => {
    const world = await aSwitch();
    await afterALife(world, 90_000);
    await world.node.write('/var/lib/carrierarr/in-service', `${INSTANCE}\n`);

    await world.node.run([DEADMAN]);

    expect(await told(world)).toBe('stop carrierarr-deadman.timer\n');
  });

  it('stays disarmed while the metadata service is away, by what it knew before', async () => {
    const world = await aSwitch();
    await afterALife(world, 90_000);
    await world.node.write('/var/lib/carrierarr/in-service', `${INSTANCE}\n`);
    world.instance.deafCalls = 100;

    await world.node.run([DEADMAN]);

    expect(await told(world)).not.toContain('poweroff');
  });

  it('is not disarmed by a file that an image brought along from another instance', async () => {
    const world = await aSwitch();
    await afterALife(world, 90_000);
    await world.node.write('/var/lib/carrierarr/in-service', 'i-0fedcba9876543210\n');

    await world.node.run([DEADMAN]);

    expect(await told(world)).toBe('poweroff\n');
  });

  it('begins anew on another instance, whatever life an image brought along', async () => {
    const world = await aSwitch();
    await afterALife(world, 90_000, 'i-0fedcba9876543210');

    await world.node.run([DEADMAN]);

    expect(await told(world)).toBe('');
    expect(await world.node.read(LIFE)).toMatch(/^i-0123456789abcdef0 \S+ 0 \d+\n$/);
  });

  it('works on a disk that takes nothing, and on a file that is torn', async () => {
    const world = await aSwitch();
    await world.node.write(LIFE, 'i-0123 x y\n');
    await world.node.shell('mount --bind -o ro /var/lib/carrierarr /var/lib/carrierarr');

    const { code, stderr } = await world.node.run([DEADMAN]);

    expect(code).toBe(0);
    expect(stderr).toContain('cannot be written');
  });
});
