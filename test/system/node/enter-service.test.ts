import { describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { aBootedNode } from './support.ts';

const INSTANCE = 'i-0123456789abcdef0';
const IN_SERVICE = '/var/lib/carrierarr/in-service';
const DEADMAN = '/usr/local/lib/carrierarr/deadman.sh';
const UNITS = '/etc/systemd/system';

const marksOf = (timeline: unknown): string[] => (timeline as { readonly mark: string }[]).map(({ mark }) => mark);

/** A node whose timer runs, with this program as its switch. */
const armed = async (deadman: string, timer = 'carrierarr-deadman.timer') => {
  const world = await aBootedNode();
  await world.node.write(DEADMAN, `#!/bin/bash\n${deadman}\n`, '0755');
  await world.node.write(`${UNITS}/${timer}`, '[Service]\nExecStart=/bin/sleep infinity\n');
  await world.node.shell(`systemctl start ${timer}`);
  return world;
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('enter-service', () => {
  it('writes the instance’s id over that of another, marks it, and reports the marks of the way there', async () => {
    const { node } = await aBootedNode();
    // As an image made from a worker brings it along.
    await node.write(IN_SERVICE, 'i-0fedcba9876543210\n');

    const { code, verdict } = await runStep(node, 'enter-service');

    expect(verdict).toMatchObject({ step: 'enter-service', ok: true, instance: INSTANCE });
    expect(code).toBe(0);
    expect(await node.read(IN_SERVICE)).toBe(`${INSTANCE}\n`);
    const marks = marksOf(verdict.timeline);
    expect(marks).toEqual(expect.arrayContaining(['boot-start', 'identity-installed', 'mesh-address-up', 'boot-done']));
    expect(marks.at(-1)).toBe('in-service');
  });

  it('lets the switch look, which then finds the file and stops its timer', async () => {
    const looks = `[[ $(<${IN_SERVICE}) == ${INSTANCE} ]] && systemctl stop carrierarr-deadman.timer`;
    const { node } = await armed(looks);

    const { verdict } = await runStep(node, 'enter-service');

    expect(verdict).toMatchObject({ ok: true });
    expect(await node.shell('systemctl is-active carrierarr-deadman.timer || true')).toBe('inactive\n');
  });

  it.each([
    ['exit 0', 'stays armed: it does not take i-0123456789abcdef0 for in service'],
    ['exit 1', 'the dead-man switch failed at its look'],
  ])('fails where the switch stays armed: %s', async (deadman, reason) => {
    const { node } = await armed(deadman);

    const { code, verdict } = await runStep(node, 'enter-service');

    expect(code).toBe(1);
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
    expect(await node.read('/run/carrierarr/timeline')).not.toContain('in-service');
  });

  it('stops the timer with which a machine begins that installs itself', async () => {
    const { node } = await armed('exit 0', 'carrierarr-deadman-plain.timer');

    const { verdict } = await runStep(node, 'enter-service');

    expect(verdict).toMatchObject({ ok: true });
    expect(await node.shell('systemctl is-active carrierarr-deadman-plain.timer || true')).toBe('inactive\n');
  });

  it('fails where the file cannot be written: the machine would power itself off', async () => {
    const { node } = await aBootedNode();
    await node.shell(`mkdir -p ${IN_SERVICE}/occupied`);

    const { verdict } = await runStep(node, 'enter-service');

    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(`${IN_SERVICE} cannot be written`) });
  });

  it('fails where the metadata gives the instance no name, or none that is one', async () => {
    const { node, instance } = await aBootedNode();
    instance.metadata.delete('meta-data/instance-id');
    const nameless = await runStep(node, 'enter-service', { ExecutionId: 'one' });
    instance.metadata.set('meta-data/instance-id', 'i-0123; reboot');
    const misnamed = await runStep(node, 'enter-service', { ExecutionId: 'two' });

    expect(nameless.verdict).toMatchObject({ ok: false, reason: expect.stringContaining('names no instance-id') });
    expect(misnamed.verdict).toMatchObject({ ok: false, reason: expect.stringContaining('malformed instance-id') });
    expect(await node.shell(`ls ${IN_SERVICE} 2>/dev/null || true`)).toBe('');
  });

  it('fails on an image that cannot mark', async () => {
    const { node } = await aBootedNode();
    await node.shell('rm /usr/local/lib/carrierarr/mark.sh');

    const { verdict } = await runStep(node, 'enter-service');

    expect(verdict).toMatchObject({
      ok: false,
      reason: expect.stringContaining('is the image older than this fleet?'),
    });
  });
});
