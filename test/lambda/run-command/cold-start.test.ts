import { describe, expect, it } from 'vitest';
import { createColdStartTeller } from '../../../lambda/run-command/cold-start-metrics.ts';
import { measureColdStart } from '../../../lambda/run-command/measure-cold-start.ts';
import type { Log } from '../../../lambda/shared/logging.ts';
import { aReservedLife, launchFacts } from '../../fake/registry-builders.ts';
import { anInvocation, aStart, aVerdict, NAME, setUp } from './builders.ts';

const LAUNCHED_AT = '2026-11-21T10:00:00.000Z';
const LAUNCH = Date.parse(LAUNCHED_AT) / 1000;

/** Marks so many seconds after the launch. */
const timeline = (marks: Readonly<Record<string, number>>) =>
  Object.entries(marks).map(([mark, seconds]) => ({ at: LAUNCH + seconds, mark }));

const BOOTED = {
  'kernel-start': 16.1,
  'userspace-start': 18.5,
  'boot-start': 21.3,
  'metadata-open': 21.4,
  'identity-installed': 23.8,
  'mesh-address-up': 24.4,
  'boot-done': 24.5,
  'k3s-ready': 33.9,
};
const IN_SERVICE = { ...BOOTED, 'in-service': 301.25 };
const STAGES = {
  instanceStart: 16.1,
  systemStart: 5.2,
  configAndSecrets: 2.5,
  mesh: 0.6,
  k3s: 10.1,
  boot: 24.5,
  inService: 301.25,
};

describe('stages of a cold start', () => {
  const stagesOf = (marks: Readonly<Record<string, number>>) => measureColdStart(LAUNCHED_AT, timeline(marks))?.stages;

  it('lie between the marks, the sums between launch and mark', () => {
    expect(measureColdStart(LAUNCHED_AT, timeline(IN_SERVICE))).toEqual({ launchedAt: LAUNCHED_AT, stages: STAGES });
  });

  it('are left out where their marks are missing', () => {
    expect(stagesOf({ 'boot-start': 21.3, 'identity-installed': 23.8, 'boot-failed': 80 })).toEqual({
      configAndSecrets: 2.5,
    });
  });

  it('begin with the first program in a container, whose kernel is its host’s', () => {
    const { 'kernel-start': _, ...marks } = BOOTED;

    expect(stagesOf(marks)).toMatchObject({ instanceStart: 18.5, systemStart: 2.8 });
  });

  it('tell of the installation where a worker installs itself', () => {
    const marks = {
      ...BOOTED,
      'plain-start': 19,
      'packages-installed': 320,
      'boot-start': 321,
      'identity-installed': 323,
    };

    expect(stagesOf(marks)).toMatchObject({ systemStart: 2.9, install: 301, configAndSecrets: 2 });
  });

  it('count the first of marks that were made twice: a boot that was run again took no longer', () => {
    const again = [...timeline(BOOTED), ...timeline({ 'boot-start': 900, 'boot-done': 903 })];

    expect(measureColdStart(LAUNCHED_AT, again)?.stages).toMatchObject({ boot: 24.5, systemStart: 5.2 });
  });

  it('are zero where the node’s clock is a little behind, and left out where it is plainly wrong', () => {
    expect(stagesOf({ 'kernel-start': -1.2, 'boot-start': 4 })).toEqual({ instanceStart: 0, systemStart: 5.2 });
    expect(stagesOf({ 'kernel-start': -3600, 'boot-start': -3595 })).toEqual({ systemStart: 5 });
    expect(stagesOf({ 'kernel-start': 90_000, 'boot-start': 90_003 })).toEqual({ systemStart: 3 });
  });

  it.each([undefined, null, [], 'boot-start', [{ at: 'now', mark: 'boot-start' }]])('are none of %o', (said) => {
    expect(measureColdStart(LAUNCHED_AT, said)).toBeUndefined();
  });

  it('are none where EC2 never said when it launched', () => {
    const marks = timeline({ 'kernel-start': 16, 'boot-done': 24 });

    expect(measureColdStart(new Date(0).toISOString(), marks)).toBeUndefined();
  });
});

/** A worker whose instance is recorded and on which a step has ended with these marks. */
const afterStep = async (step: string, verdict: Record<string, unknown>) => {
  const world = setUp();
  const { registry, commands, operations, since } = world;
  const life = await aReservedLife(registry, NAME);
  await registry.recordLaunch(life, await registry.beginLaunch(life), launchFacts({ launchedAt: LAUNCHED_AT }));
  const { commandId } = await operations.start(aStart({ ...life, step, parameters: {} }));
  const ok = verdict.ok !== false;
  const stdout = aVerdict({ step, rc: ok ? 0 : 1, ...verdict });
  commands.invocations.set(
    commandId,
    anInvocation({ status: ok ? 'Success' : 'Failed', exitCode: ok ? 0 : 1, stdout }),
  );
  const poll = { name: NAME, instanceId: launchFacts().instanceId, commandId, step, since };
  return { ...world, life, poll };
};

describe('the end of a step with marks', () => {
  it('puts the cold start into the worker’s row and tells of it once, however often the poll is repeated', async () => {
    const { operations, poll, registry, told } = await afterStep('enter-service', { timeline: timeline(IN_SERVICE) });

    await operations.poll(poll);
    await operations.poll(poll);

    expect((await registry.find(NAME))?.coldStart).toEqual({ launchedAt: LAUNCHED_AT, stages: STAGES });
    expect(told).toEqual([{ role: 'gpu-worker', coldStart: { launchedAt: LAUNCHED_AT, stages: STAGES } }]);
  });

  it('shows how far a boot came that failed', async () => {
    const marks = timeline({ 'kernel-start': 16, 'boot-start': 21, 'boot-failed': 140 });
    const { operations, poll, registry, told } = await afterStep('await-boot', { ok: false, timeline: marks });

    await expect(operations.poll(poll)).rejects.toMatchObject({ name: 'BootFailedError' });

    expect((await registry.find(NAME))?.coldStart?.stages).toEqual({ instanceStart: 16, systemStart: 5 });
    expect(told).toEqual([]);
  });

  it('is told of when the worker is in service, not when its boot has ended', async () => {
    const { operations, poll, registry, told } = await afterStep('await-boot', { timeline: timeline(BOOTED) });

    await operations.poll(poll);

    expect((await registry.find(NAME))?.coldStart?.stages).toMatchObject({ boot: 24.5 });
    expect(told).toEqual([]);
  });

  it('changes nothing for a worker that is being torn down', async () => {
    const { operations, poll, registry, told, life } = await afterStep('enter-service', {
      timeline: timeline(IN_SERVICE),
    });
    await registry.fence(life, 'teardown', 60);

    await operations.poll(poll);

    expect((await registry.find(NAME))?.coldStart).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('is well without marks that make sense', async () => {
    const { operations, poll, told } = await afterStep('enter-service', { timeline: 'none' });

    await expect(operations.poll(poll)).resolves.toMatchObject({ done: true });
    expect(told).toEqual([]);
  });
});

describe('metrics of a cold start', () => {
  const tell = (coldStartMetrics: boolean, stages: Partial<typeof STAGES> = STAGES) => {
    const lines: Record<string, unknown>[] = [];
    const log: Pick<Log, 'info'> = {
      info: (_, ...facts) => void lines.push(...(facts as Record<string, unknown>[])),
    };
    const settings = { fleet: 'carrierarr', coldStartMetrics };
    const teller = createColdStartTeller({ log, now: () => new Date(LAUNCHED_AT), settings });
    teller('lighthouse', { launchedAt: LAUNCHED_AT, stages });
    return lines;
  };

  it('are one line in the embedded metric format: four values, by role alone', () => {
    expect(tell(true)).toEqual([
      {
        Role: 'lighthouse',
        launchedAt: LAUNCHED_AT,
        stages: STAGES,
        InstanceStart: 16.1,
        ConfigAndSecrets: 2.5,
        Boot: 24.5,
        InService: 301.25,
        _aws: {
          Timestamp: LAUNCH * 1000,
          CloudWatchMetrics: [
            {
              Namespace: 'Carrierarr/carrierarr',
              Dimensions: [['Role']],
              Metrics: ['InstanceStart', 'ConfigAndSecrets', 'Boot', 'InService'].map((Name) => ({
                Name,
                Unit: 'Seconds',
              })),
            },
          ],
        },
      },
    ]);
  });

  it('name no value that is not there', () => {
    expect(tell(true, { boot: 3 })).toMatchObject([
      { Boot: 3, _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'Boot' }] }] } },
    ]);
  });

  it('are a plain line of the log where they are switched off', () => {
    expect(tell(false)).toEqual([{ Role: 'lighthouse', launchedAt: LAUNCHED_AT, stages: STAGES }]);
  });
});
