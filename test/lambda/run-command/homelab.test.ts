import { describe, expect, it } from 'vitest';
import { documentName, HOMELAB_STEPS, type OperationInput } from '#contract';
import { homelabOperations } from '../../../lambda/run-command/operations.ts';
import { OwnershipLostError } from '../../../lambda/shared/errors.ts';
import { createManualClock, createMemoryRegistry } from '../../fake/memory-registry.ts';
import { aReservedLife, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';
import { anInvocation, aPoll, aStart, aVerdict, createFakeRunCommands, SETTINGS } from './builders.ts';

const NAME = 'lh-1';
const NODE = 'mi-0123456789abcdef0';
const ARN = 'arn:aws:ssm:us-west-2:111122223333:managed-instance/';
const TAGS = { 'carrierarr:fleet': 'carrierarr', 'carrierarr:role': 'homelab' };
const STEP = 'homelab-verify-mesh';
const parameters = { NebulaIp: '10.100.2.1', LighthouseNamespace: 'nebula', LighthouseDeployment: 'nebula-lighthouse' };

const setUp = () => {
  const clock = createManualClock();
  const registry = createMemoryRegistry({ clock });
  const commands = createFakeRunCommands();
  const operations = homelabOperations({ commands, registry, clock, arnPrefix: ARN }, SETTINGS);
  return { clock, registry, commands, operations, since: clock.now().getTime() };
};
const aHomelabStart = (overrides: Partial<OperationInput<'homelab', 'start'>>) =>
  aStart({ name: NAME, instanceId: NODE, step: STEP, parameters, ...overrides });

/** A lighthouse with an open command in the homelab. */
const withOpenCommand = async () => {
  const world = setUp();
  const life = await aReservedLife(world.registry, NAME);
  const { commandId } = await world.operations.start(aHomelabStart(life));
  const poll = aPoll({ name: NAME, instanceId: NODE, step: STEP, commandId, since: world.since });
  return { ...world, life, poll };
};

describe('finding the homelab’s node', () => {
  const node = (instanceId: string, pingStatus = 'Online', registered = '2026-11-01', tags = TAGS) => ({
    instanceId,
    pingStatus,
    registeredAt: new Date(registered),
    tags,
  });

  it('answers with the one that is online, and with its ARN', async () => {
    const { operations, commands } = setUp();
    commands.nodes = [node('mi-0old', 'ConnectionLost'), node(NODE), node('mi-1old', 'Inactive')];

    expect(await operations.find({ name: NAME, required: true })).toEqual({
      instanceId: NODE,
      instanceArn: `${ARN}${NODE}`,
    });
  });

  it('takes the last one activated, if several are online', async () => {
    const { operations, commands } = setUp();
    commands.nodes = [node('mi-0', 'Online', '2026-10-01'), node(NODE, 'Online', '2026-11-02'), node('mi-2')];

    expect(await operations.find({ name: NAME, required: false })).toMatchObject({ instanceId: NODE });
  });

  it.each([
    ['there is none', [], 'no activated node'],
    ['it is offline', [node(NODE, 'ConnectionLost')], `${NODE}: ConnectionLost`],
    [
      'it is another fleet’s',
      [node(NODE, 'Online', '2026-11-01', { ...TAGS, 'carrierarr:fleet': 'x' })],
      'no activated',
    ],
  ])('fails where %s and it is required, and answers nothing where it is not', async (_, nodes, got) => {
    const { operations, commands } = setUp();
    commands.nodes = nodes;

    const required = operations.find({ name: NAME, required: true });

    await expect(required).rejects.toMatchObject({
      name: 'HomelabOfflineError',
      kind: 'stop',
      got: expect.stringContaining(got),
    });
    expect(await operations.find({ name: NAME, required: false })).toEqual({ instanceId: '', instanceArn: '' });
  });
});

describe('a step in the homelab', () => {
  it('is sent as the document of the fleet and noted apart from the worker’s own command', async () => {
    const { commands, registry, poll, life } = await withOpenCommand();

    expect(commands.sent).toMatchObject([{ document: documentName('carrierarr', STEP), instanceId: NODE }]);
    expect(await registry.find(NAME)).toMatchObject({
      openHomelabCommand: { commandId: poll.commandId, step: STEP, instanceId: NODE },
      generation: life.generation,
    });
    expect((await registry.find(NAME))?.openCommand).toBeUndefined();
  });

  it('is none of the workers’ steps', async () => {
    const { operations } = setUp();

    const start = operations.start(aHomelabStart({ step: 'verify-nebula' }));

    await expect(start).rejects.toMatchObject({
      name: 'InputError',
      faults: [{ allowed: expect.stringContaining(STEP) }],
    });
  });

  it('is started by a teardown under a key of its own, and by no one else after the fence', async () => {
    const { operations, registry, commands } = setUp();
    const life = await aReservedLife(registry, NAME);
    const execution = `${TEARDOWN_MACHINE.replace('stateMachine', 'execution')}:t1`;
    await registry.fence(life, execution, 600);

    await operations.start(aHomelabStart({ ...life, execution, run: 'force' }));
    const stray = operations.start(aHomelabStart(life));

    await expect(stray).rejects.toBeInstanceOf(OwnershipLostError);
    expect(commands.sent[0]?.parameters).toMatchObject({ ExecutionId: 't1-force' });
    expect(commands.cancelled).toEqual(['command-2']);
    expect((await registry.find(NAME))?.openHomelabCommand?.commandId).toBe('command-1');
  });

  it('hands on its verdict and closes its command', async () => {
    const { operations, registry, commands, poll } = await withOpenCommand();
    commands.invocations.set(poll.commandId, anInvocation({ stdout: aVerdict({ step: STEP, handshakes: 1 }) }));

    expect(await operations.poll(poll)).toMatchObject({ done: true, result: { handshakes: 1 } });
    expect((await registry.find(NAME))?.openHomelabCommand).toBeUndefined();
  });

  it('fails with the remedy that its contract knows', async () => {
    const { operations, commands, poll } = await withOpenCommand();
    const stdout = aVerdict({ step: STEP, ok: false, rc: 1, reason: 'no handshake' });
    commands.invocations.set(poll.commandId, anInvocation({ status: 'Failed', exitCode: 1, stdout }));

    await expect(operations.poll(poll)).rejects.toMatchObject({
      name: 'StepFailedError',
      what: `step ${STEP} in the homelab for ${NAME} failed`,
      remedy: expect.stringContaining(HOMELAB_STEPS[STEP].remedy),
    });
  });

  it('says that the homelab is offline, before and while it runs', async () => {
    const { operations, commands, clock, poll, life } = await withOpenCommand();
    commands.invocations.set(poll.commandId, anInvocation({ status: 'InProgress' }));
    commands.information = { pingStatus: 'ConnectionLost', version: '' };
    commands.accepting = false;
    clock.advance(15_000);

    await expect(operations.poll(poll)).rejects.toMatchObject({ name: 'HomelabOfflineError' });
    await expect(operations.start(aHomelabStart(life))).rejects.toMatchObject({ name: 'HomelabOfflineError' });
  });

  it('is cancelled by its command alone', async () => {
    const { operations, commands, poll } = await withOpenCommand();

    expect(await operations.cancel({ instanceId: NODE, commandId: poll.commandId })).toEqual({ cancelled: true });
    expect(commands.cancelled).toEqual([poll.commandId]);
  });
});
