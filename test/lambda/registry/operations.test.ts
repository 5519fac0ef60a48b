import { describe, expect, it } from 'vitest';
import { EVENT, type WorkerRow } from '#contract';
import { createAnnouncer } from '../../../lambda/registry/announce-worker.ts';
import { registryOperations } from '../../../lambda/registry/operations.ts';
import { OwnershipLostError, ServiceUnavailableError } from '../../../lambda/shared/errors.ts';
import { createMemoryLog, SETTINGS } from '../../fake/doors.ts';
import { createManualClock, createMemoryRegistry } from '../../fake/memory-registry.ts';
import { aReservedLife, executionArn, launchFacts, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';

const NAME = 'gpu-worker-001';
const CONSOLE = executionArn('0b5e-uuid');
const TEARDOWN = executionArn('t1', TEARDOWN_MACHINE);
const SEVENTY_SECONDS = 70_000;

const setUp = () => {
  const clock = createManualClock();
  const registry = createMemoryRegistry({ clock });
  const announced: { type: string; row: WorkerRow }[] = [];
  const operations = registryOperations({
    registry,
    clock,
    random: () => 0,
    settings: SETTINGS,
    announce: async (type, row) => {
      announced.push({ type, row });
    },
  });
  return { clock, registry, operations, announced };
};

describe('ReserveWorker', () => {
  it('claims a worker for an execution of the console, with nothing asked for', async () => {
    const { operations, registry } = setUp();

    const output = await operations.reserve({ execution: CONSOLE, request: {} });

    expect(output).toMatchObject({ outcome: 'reserved', worker: { name: 'gpu-worker-00000', address: '10.100.2.1' } });
    expect(await registry.find('gpu-worker-00000')).toMatchObject({ owner: CONSOLE });
  });

  it('hands out the worker that a door has reserved in the name of the execution, whatever the defaults are now', async () => {
    const { operations, registry } = setUp();
    const { execution, generation } = await aReservedLife(registry, NAME, { requestHash: '0'.repeat(64) });

    const output = await operations.reserve({ execution, request: { name: NAME } });

    expect(output).toMatchObject({ outcome: 'reserved', worker: { name: NAME, generation } });
  });

  it('hands out the same worker again when its answer was lost', async () => {
    const { operations } = setUp();
    const first = await operations.reserve({ execution: CONSOLE, request: {} });

    expect(await operations.reserve({ execution: CONSOLE, request: {} })).toEqual(first);
  });

  it.each([
    ['the same', {}],
    ['other', { market: 'on-demand' }],
  ])('points to the owner of a name that is taken, with %s parameters', async (_case, parameters) => {
    const { operations } = setUp();
    await operations.reserve({ execution: CONSOLE, request: { name: NAME } });

    const output = await operations.reserve({
      execution: executionArn('second'),
      request: { name: NAME, ...parameters },
    });

    expect(output).toMatchObject({ outcome: 'taken', name: NAME, owner: CONSOLE, phase: 'RESERVED' });
  });

  it('draws again when a drawn name is taken', async () => {
    const { registry, clock } = setUp();
    const draws = [...Array(10).fill(0), ...Array(5).fill(0.5)] as number[];
    const ports = { registry, clock, settings: SETTINGS, announce: async () => undefined };
    const operations = registryOperations({ ...ports, random: () => draws.shift() ?? 0 });
    await operations.reserve({ execution: CONSOLE, request: {} });

    const output = await operations.reserve({ execution: executionArn('second'), request: {} });

    expect(output).toMatchObject({ outcome: 'reserved', worker: { name: 'gpu-worker-iiiii' } });
  });

  it('refuses an execution whose worker has been torn down', async () => {
    const { operations, registry } = setUp();
    const life = await aReservedLife(registry, NAME);
    await registry.fence(life, TEARDOWN, 600);

    const again = operations.reserve({ execution: life.execution, request: { name: NAME } });

    await expect(again).rejects.toThrow(OwnershipLostError);
  });
});

describe('MarkReady', () => {
  it('announces the worker; the phases before it are nobody’s business', async () => {
    const { operations, registry, announced } = setUp();
    const life = await aReservedLife(registry, NAME);

    await operations.advance({ ...life, phase: 'BOOTED', details: { kernel: '6.1' } });
    const output = await operations.advance({ ...life, phase: 'READY', details: {} });

    expect(output).toEqual({ name: NAME, generation: life.generation, phase: 'READY' });
    expect(announced).toMatchObject([
      { type: EVENT.workerReady, row: { name: NAME, phase: 'READY', details: { kernel: '6.1' } } },
    ]);
  });

  it('announces nothing for a worker it has lost', async () => {
    const { operations, registry, announced } = setUp();
    const life = await aReservedLife(registry, NAME);
    await registry.fence(life, TEARDOWN, 600);

    await expect(operations.advance({ ...life, phase: 'READY', details: {} })).rejects.toThrow(OwnershipLostError);
    expect(announced).toEqual([]);
  });
});

describe('RecordFailure', () => {
  it('keeps and announces the first failure, cut to what a reader needs', async () => {
    const { operations, registry, announced } = setUp();
    const life = await aReservedLife(registry, NAME);

    const first = await operations.recordFailure({ ...life, error: 'BootFailedError', cause: 'x'.repeat(20_000) });
    const second = await operations.recordFailure({ ...life, error: 'States.Timeout', cause: 'later' });

    expect([first, second]).toEqual([{ recorded: true }, { recorded: false }]);
    const failure = { error: 'BootFailedError', cause: 'x'.repeat(4_000) };
    expect(announced).toMatchObject([{ type: EVENT.workerFailed, row: { failure } }]);
  });

  it.each(['OwnershipLostError', 'LaunchFencedError'])('takes %s for no failure of the worker', async (error) => {
    const { operations, registry, announced } = setUp();
    const life = await aReservedLife(registry, NAME);

    expect(await operations.recordFailure({ ...life, error, cause: 'a teardown came' })).toEqual({ recorded: false });
    expect(announced).toEqual([]);
  });
});

describe('FenceWorker', () => {
  const fence = { name: NAME, generation: '', execution: TEARDOWN, deregisterAmi: false };

  it('says all that the undoing needs', async () => {
    const { operations, registry, clock } = setUp();
    const life = await aReservedLife(registry, NAME);
    await registry.recordLaunch(life, await registry.beginLaunch(life), launchFacts());
    await registry.openCommand(life, { commandId: 'c-1', step: 'await-boot' });

    expect(await operations.fence(fence)).toEqual({
      outcome: 'fenced',
      name: NAME,
      generation: life.generation,
      instanceId: launchFacts().instanceId,
      commandId: 'c-1',
      amiId: launchFacts().launchedAmiId,
      holder: TEARDOWN,
      role: 'gpu-worker',
      address: life.address,
      publicIp: launchFacts().publicIp,
      cluster: 'aws-k3s',
      serverInstanceId: '',
      peered: false,
      homelabInstanceId: '',
      homelabCommandId: '',
      proveAfter: clock.now().getTime(),
    });
  });

  it('puts the proof off when it met a launch, counted from the first fence', async () => {
    const { operations, registry, clock } = setUp();
    const life = await aReservedLife(registry, NAME);
    await registry.beginLaunch(life);
    const met = clock.now().getTime();

    const first = await operations.fence(fence);
    clock.advance(10_000);
    const second = await operations.fence(fence);

    expect([first.proveAfter, second.proveAfter]).toEqual([met + SEVENTY_SECONDS, met + SEVENTY_SECONDS]);
  });

  it('says whose the worker is when another teardown has it', async () => {
    const { operations, registry } = setUp();
    const life = await aReservedLife(registry, NAME);
    await registry.fence(life, 'another', 600);

    expect(await operations.fence(fence)).toMatchObject({ outcome: 'busy', holder: 'another' });
  });

  it('leaves the next life alone: the proof of an earlier one looks for that one only', async () => {
    const { operations, registry } = setUp();
    await aReservedLife(registry, NAME);

    const output = await operations.fence({ ...fence, generation: 'aaaaaaaa' });

    expect(output).toMatchObject({ outcome: 'removed', generation: 'aaaaaaaa', instanceId: '' });
    expect(await registry.find(NAME)).toMatchObject({ phase: 'RESERVED' });
  });

  it('has nothing but the name where there is no row', async () => {
    const { operations } = setUp();

    expect(await operations.fence(fence)).toMatchObject({ outcome: 'absent', name: NAME, generation: '', holder: '' });
  });
});

describe('MarkRemoved', () => {
  it('announces the end', async () => {
    const { operations, registry, announced } = setUp();
    const life = await aReservedLife(registry, NAME);
    await operations.fence({ ...life, execution: TEARDOWN, deregisterAmi: false });

    const released = await operations.releaseAddress(life);
    const removed = await operations.markRemoved({ ...life, execution: TEARDOWN });

    expect([released, removed]).toEqual([{ released: true }, { removed: true }]);
    expect(announced).toMatchObject([{ type: EVENT.workerRemoved, row: { phase: 'REMOVED' } }]);
  });

  it('does nothing, and announces nothing, where there is no row', async () => {
    const { operations, announced } = setUp();

    const removed = await operations.markRemoved({ name: NAME, generation: '', execution: TEARDOWN });

    expect([removed, announced]).toEqual([{ removed: false }, []]);
  });
});

describe('an event that the bus does not take', () => {
  it('is logged whole and does not undo what was done', async () => {
    const { registry } = setUp();
    await aReservedLife(registry, NAME);
    const row = await registry.find(NAME);
    if (row === undefined) throw new Error('no row');
    const log = createMemoryLog();
    const announce = createAnnouncer(async () => {
      throw new ServiceUnavailableError({ what: 'the bus is down', remedy: 'wait' });
    }, log);

    await announce(EVENT.workerReady, row);

    expect(log.lines).toMatchObject([
      { level: 'error', extra: { event: { detailType: EVENT.workerReady, detail: { name: NAME } } } },
    ]);
  });
});
