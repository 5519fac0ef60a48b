import { describe, expect, it } from 'vitest';
import { OwnershipLostError } from '../../../lambda/shared/errors.ts';
import { aReservedLife, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';
import { anInvocation, aPoll, aStart, aVerdict, INSTANCE, NAME, setUp, withOpenCommand } from './builders.ts';

describe('online', () => {
  const looking = (since: number) => ({ name: NAME, instanceId: INSTANCE, since });

  it('is true once the agent is connected', async () => {
    const { operations, since } = setUp();

    await expect(operations.online(looking(since))).resolves.toEqual({ online: true });
  });

  it.each([undefined, { pingStatus: 'ConnectionLost', version: '' }])(
    'is false before its limit (%o)',
    async (info) => {
      const { operations, commands, clock, since } = setUp();
      commands.information = info;
      clock.advance(299_000);

      await expect(operations.online(looking(since))).resolves.toEqual({ online: false });
    },
  );

  it('fails at its limit and says what it saw', async () => {
    const { operations, commands, clock, since } = setUp();
    commands.information = { pingStatus: 'Inactive', version: '' };
    clock.advance(300_000);

    await expect(operations.online(looking(since))).rejects.toMatchObject({
      name: 'SsmOfflineError',
      got: `Inactive from ${INSTANCE} after 300 s`,
    });
  });

  it('refuses an agent that cannot hand over parameters', async () => {
    const { operations, commands, since } = setUp();
    commands.information = { pingStatus: 'Online', version: '3.3.2745.9' };

    await expect(operations.online(looking(since))).rejects.toMatchObject({ name: 'ConfigurationError' });
  });

  it.each(['3.3.2746.0', '3.3.3000.0', '3.10.0.0', '4.0.0.0', ''])('accepts agent %s', async (version) => {
    const { operations, commands, since } = setUp();
    commands.information = { pingStatus: 'Online', version };

    await expect(operations.online(looking(since))).resolves.toEqual({ online: true });
  });
});

describe('start', () => {
  it("sends the fleet's document with the common parameters and a delivery limit", async () => {
    const { operations, registry, commands } = setUp();
    const life = await aReservedLife(registry, NAME);

    await operations.start(aStart(life));

    expect(commands.sent).toEqual([
      {
        document: 'carrierarr-verify-nebula',
        instanceId: INSTANCE,
        parameters: {
          NebulaIp: '10.100.2.1',
          LighthouseIp: '10.100.0.1',
          ExecutionId: `${NAME}-${life.generation}`,
          Worker: NAME,
        },
        deliverySeconds: 60,
        comment: `verify-nebula for ${NAME}-${life.generation}`,
      },
    ]);
  });

  it('notes the command in the row, so that a teardown can cancel it', async () => {
    const { registry, poll } = await withOpenCommand();

    const row = await registry.find(NAME);

    expect(row?.openCommand).toEqual({ commandId: poll.commandId, step: 'verify-nebula' });
  });

  it('cancels what it sent when a teardown has fenced the worker meanwhile', async () => {
    const { operations, registry, commands } = setUp();
    const life = await aReservedLife(registry, NAME);
    await registry.fence(life, `${TEARDOWN_MACHINE}:t1`, 600);

    await expect(operations.start(aStart(life))).rejects.toBeInstanceOf(OwnershipLostError);

    expect(commands.cancelled).toEqual(['command-1']);
  });

  it('reports every bad parameter at once and sends nothing', async () => {
    const { operations, commands } = setUp();
    const parameters = { NebulaIp: '$(reboot)', Extra: 'x', LighthouseIp: '10.100.0.1'.repeat(2) };

    const failure = await operations.start(aStart({ parameters })).catch((error: unknown) => error);

    expect(failure).toMatchObject({
      name: 'InputError',
      faults: [
        { field: 'NebulaIp', what: 'malformed' },
        { field: 'LighthouseIp', what: 'too long' },
        { field: 'Extra', what: 'unknown to the step' },
      ].map((fault) => expect.objectContaining(fault)),
    });
    expect(commands.sent).toEqual([]);
  });

  it('refuses a newline at the end of a value', async () => {
    const { operations } = setUp();
    const parameters = { NebulaIp: '10.100.2.1\n', LighthouseIp: '10.100.0.1' };

    await expect(operations.start(aStart({ parameters }))).rejects.toMatchObject({ name: 'InputError' });
  });

  it('demands parameters that have no default and no others', async () => {
    const { operations, registry } = setUp();
    const life = await aReservedLife(registry, NAME);

    await expect(operations.start(aStart({ ...life, parameters: {} }))).rejects.toThrow(
      /NebulaIp: missing.*LighthouseIp: missing/,
    );
    await expect(operations.start(aStart({ ...life, step: 'await-boot', parameters: {} }))).resolves.toBeDefined();
  });

  it.each(['no-such-step', 'toString'])('refuses step %s', async (step) => {
    const { operations } = setUp();

    await expect(operations.start(aStart({ step }))).rejects.toMatchObject({ name: 'InputError' });
  });

  it('retries an instance that is online but not yet accepted as a target', async () => {
    const { operations, commands } = setUp();
    commands.accepting = false;

    await expect(operations.start(aStart())).rejects.toMatchObject({ name: 'NotYetConsistentError', kind: 'retry' });
  });

  it('gives up on an instance without a connected agent', async () => {
    const { operations, commands } = setUp();
    commands.accepting = false;
    commands.information = undefined;

    await expect(operations.start(aStart())).rejects.toMatchObject({ name: 'StepUndeliverableError', kind: 'stop' });
  });
});

describe('poll', () => {
  it('takes a command without invocation for pending during the first ten seconds', async () => {
    const { operations, clock, poll } = await withOpenCommand();
    clock.advance(9_000);

    await expect(operations.poll(poll)).resolves.toEqual({ done: false, result: {} });
  });

  it('takes it for lost afterwards', async () => {
    const { operations, clock, poll } = await withOpenCommand();
    clock.advance(10_000);

    await expect(operations.poll(poll)).rejects.toMatchObject({ name: 'StepUndeliverableError' });
  });

  it('hands on the verdict and closes the command in the row', async () => {
    const { operations, registry, commands, poll } = await withOpenCommand();
    commands.invocations.set(poll.commandId, anInvocation({ stdout: aVerdict({ pings: 1 }) }));

    const output = await operations.poll(poll);

    expect(output).toMatchObject({ done: true, result: { ok: true, pings: 1 } });
    expect((await registry.find(NAME))?.openCommand).toBeUndefined();
  });

  it('closes the command in the row when it failed', async () => {
    const { operations, registry, commands, poll } = await withOpenCommand();
    commands.invocations.set(poll.commandId, anInvocation({ status: 'Failed', exitCode: 1 }));

    await expect(operations.poll(poll)).rejects.toMatchObject({ name: 'StepFailedError' });

    expect((await registry.find(NAME))?.openCommand).toBeUndefined();
  });

  it('leaves a later command of the worker open', async () => {
    const { operations, registry, commands, poll, life } = await withOpenCommand();
    commands.invocations.set(poll.commandId, anInvocation({ stdout: aVerdict() }));
    const later = await operations.start(aStart(life));

    await operations.poll(poll);

    expect((await registry.find(NAME))?.openCommand?.commandId).toBe(later.commandId);
  });

  it('works for a worker whose row is gone', async () => {
    const { operations, commands } = setUp();
    commands.invocations.set('command-1', anInvocation({ stdout: aVerdict() }));

    await expect(operations.poll(aPoll())).resolves.toMatchObject({ done: true });
  });

  it('leaves the command open for the teardown when it does not end in time', async () => {
    const { operations, registry, commands, clock, poll } = await withOpenCommand();
    commands.invocations.set(poll.commandId, anInvocation({ status: 'InProgress' }));
    clock.advance(210_000);
    await expect(operations.poll(poll)).resolves.toEqual({ done: false, result: {} });
    clock.advance(1_000);

    await expect(operations.poll(poll)).rejects.toMatchObject({ name: 'StepTimedOutError' });

    expect((await registry.find(NAME))?.openCommand?.commandId).toBe(poll.commandId);
  });
});

describe('a run of a step beside the first', () => {
  it('has a key of its own on the node, which fits', async () => {
    const { operations, registry, commands } = setUp();
    const life = await aReservedLife(registry, NAME);
    const start = (execution: string, run?: string) =>
      operations.start(aStart({ ...life, execution, ...(run !== undefined && { run }) }));

    await start('arn:x:first');
    await start('arn:x:first', '');
    await start('arn:x:first', 'undo');
    await start(`arn:x:${'e'.repeat(80)}`, 'undo');

    expect(commands.sent.map(({ parameters }) => parameters.ExecutionId)).toEqual([
      'first',
      'first',
      'first-undo',
      `${'e'.repeat(75)}-undo`,
    ]);
  });
});

describe('cancel', () => {
  it('may be asked twice', async () => {
    const { operations, commands } = setUp();
    const command = { commandId: 'command-1', instanceId: INSTANCE };

    await expect(operations.cancel(command)).resolves.toEqual({ cancelled: true });
    await expect(operations.cancel(command)).resolves.toEqual({ cancelled: true });
    expect(commands.cancelled).toEqual(['command-1', 'command-1']);
  });
});
