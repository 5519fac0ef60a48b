import { describe, expect, it } from 'vitest';
import { ServiceState } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { judgeGpus, parseGpus } from '../../../agent/worker/report/gpus.ts';
import { judgeLiqo } from '../../../agent/worker/report/liqo.ts';
import { parseInterruption, parseTimeline } from '../../../agent/worker/report/marks.ts';
import { parseLoaded, parseModels } from '../../../agent/worker/report/models.ts';
import { cpuUse, parseCpu, parseGroupCpu, parseMemory, parseUptime } from '../../../agent/worker/report/resources.ts';
import { parseUnits, unitStatus } from '../../../agent/worker/report/units.ts';
import { aUnit, noUnit, ran } from '../support/fake-node.ts';

const statusOf = (text: string, up = 1000) => unitStatus([...parseUnits(text).values()][0], up);

describe('a unit in the words of systemd', () => {
  it.each([
    ['active', 'running', ServiceState.RUNNING],
    ['reloading', 'reload', ServiceState.RUNNING],
    ['activating', 'start', ServiceState.STARTING],
    ['deactivating', 'stop-sigterm', ServiceState.STOPPED],
    ['inactive', 'dead', ServiceState.STOPPED],
    ['failed', 'failed', ServiceState.ERROR],
    ['of a later systemd', 'new', ServiceState.UNSPECIFIED],
  ])('%s (%s)', (ActiveState, SubState, state) => {
    const status = statusOf(aUnit('ollama', { ActiveState, SubState }));

    expect(status.state).toBe(state);
    expect(status.message).toContain(`${ActiveState} (${SubState})`);
  });

  it('that dies and is started again and again is no starting one', () => {
    const status = statusOf(
      aUnit('ollama', { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code', NRestarts: '7' }),
    );

    expect(status).toMatchObject({
      state: ServiceState.ERROR,
      message: 'activating (auto-restart), result exit-code, 7 restarts',
    });
  });

  it('that is not there is not installed, and a masked one is stopped', () => {
    expect(statusOf(noUnit('k3s')).state).toBe(ServiceState.NOT_INSTALLED);
    expect(statusOf(aUnit('k3s', { LoadState: 'masked', ActiveState: 'inactive' }))).toMatchObject({
      state: ServiceState.STOPPED,
      message: 'unit is masked',
    });
  });

  it('whose condition was not met says so, and one that nobody has started does not', () => {
    const waiting = { ActiveState: 'inactive', SubState: 'dead', ConditionResult: 'no' };

    expect(statusOf(aUnit('nebula', waiting)).message).toContain('a condition of its unit is not met');
    expect(statusOf(aUnit('nebula', { ...waiting, ConditionTimestampMonotonic: '0' })).message).toBe('inactive (dead)');
  });

  it('runs for as long as the kernel says, whatever the wall clock does', () => {
    expect(statusOf(aUnit('nebula'), 1000).uptimeSeconds).toBe(990n);
    expect(statusOf(aUnit('nebula'), 5).uptimeSeconds).toBe(0n);
  });

  it('that systemd says nothing of is unknown', () => {
    expect(unitStatus(parseUnits('').get('nebula'), 1)).toEqual({
      state: ServiceState.UNSPECIFIED,
      message: 'unknown: systemd says nothing of it',
    });
  });
});

describe('nvidia-smi', () => {
  it('tells of each GPU, also of one whose name holds a comma', () => {
    expect(parseGpus('0, Tesla T4, 1024, 15360, 87, 61\n1, NVIDIA A10G, rev. 2, 0, 23028, 0, 30\n')).toEqual([
      {
        index: 0,
        name: 'Tesla T4',
        memoryUsedMb: 1024,
        memoryTotalMb: 15360,
        utilizationPercent: 87,
        temperatureC: 61,
      },
      {
        index: 1,
        name: 'NVIDIA A10G, rev. 2',
        memoryUsedMb: 0,
        memoryTotalMb: 23028,
        utilizationPercent: 0,
        temperatureC: 30,
      },
    ]);
  });

  it.each(['[N/A]', '[Not Supported]', 'N/A', '[Unknown Error]', '[GPU requires reset]', 'ERR!'])(
    '%s is no number',
    (cell) => {
      const [gpu] = parseGpus(`0, NVIDIA A100, ${cell}, 40960, ${cell}, ${cell}`);

      expect(gpu).toMatchObject({
        memoryUsedMb: undefined,
        memoryTotalMb: 40960,
        utilizationPercent: undefined,
        temperatureC: undefined,
      });
    },
  );

  it('that is not there, or finds no device, means no GPU', () => {
    expect(judgeGpus(ran('', 127), 5)).toEqual({ kind: 'none' });
    expect(judgeGpus(ran('No devices were found\n', 6), 5)).toEqual({ kind: 'none' });
  });

  it.each([
    [ran('', 124), 'nvidia-smi gave no answer within 5 s'],
    [
      ran('Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.1\n', 18),
      'nvidia-smi ended with 18: Failed to initialize NVML: Driver/library version mismatch NVML library version: 580.1',
    ],
    [ran('\u001b[31mNo\u0007nsense\u001b[0m\n'), 'nvidia-smi ended with 0: Nonsense'],
    [ran(''), 'nvidia-smi ended with 0: no output'],
  ])('that fails leaves the GPUs unknown, with the reason', (said, reason) => {
    expect(judgeGpus(said, 5)).toEqual({ kind: 'unknown', reason });
  });
});

describe('files of the kernel', () => {
  it('count as work what is neither idle nor waiting for a disk', () => {
    const text = 'cpu  10 2 8 70 10 0 0 0 5 0\ncpu0 5 1 4 35 5 0 0 0 0 0\ncpu1 5 1 4 35 5 0 0 0 0 0\nintr 1\n';

    expect(parseCpu(text)).toEqual({ busy: 20, total: 100, cores: 2 });
  });

  it('tell the use between two looks, and nothing where they are too close or went back', () => {
    const before = { busy: 100, total: 1000, cores: 4 };

    expect(cpuUse(before, { busy: 200, total: 1400, cores: 4 })).toEqual({ percent: 25, busyCores: 1 });
    expect(cpuUse(before, { busy: 105, total: 1010, cores: 4 })).toBeUndefined();
    expect(cpuUse(before, { busy: 1, total: 2, cores: 4 })).toBeUndefined();
  });

  it('tell memory without what the kernel gives back', () => {
    const text = 'MemTotal:       16384000 kB\nMemFree:          102400 kB\nMemAvailable:   12288000 kB\n';

    expect(parseMemory(text)).toEqual({ usedMb: 4000, totalMb: 16000 });
    expect(parseMemory('MemTotal: many')).toBeUndefined();
  });

  it('tell uptime and what a control group has used', () => {
    expect(parseUptime('1234.56 4000.00\n')).toBe(1234.56);
    expect(parseUptime('')).toBeUndefined();
    expect(parseGroupCpu('usage_usec 2500000\nuser_usec 1\n')).toBe(2.5);
    expect(parseGroupCpu(undefined)).toBeUndefined();
  });
});

describe("Ollama's answers", () => {
  it('join what is on the disk with what is loaded', () => {
    const tags = JSON.stringify({
      models: [
        { name: 'a:1', size: 5 },
        { name: 'b\u0007:1', size: 'large' },
      ],
    });
    const loaded = JSON.stringify({ models: [{ name: 'a:1', expires_at: 'T' }] });

    expect(parseModels(tags, loaded)).toEqual({
      models: [
        { name: 'a:1', sizeBytes: 5, loaded: true },
        { name: 'b:1', sizeBytes: 0, loaded: false },
      ],
      expiries: { 'a:1': 'T' },
    });
  });

  it('may hold null for no models, and are none where they are something else', () => {
    expect(parseModels('{"models":null}', '{}')).toEqual({ models: [], expiries: {} });
    expect(parseModels('<html>', '{}')).toBeUndefined();
    expect(parseLoaded('{"models":[{"name":"a"}]}')).toEqual(['a']);
  });
});

describe("Liqo's pods", () => {
  const aPod = (name: string, phase: string, ready: boolean, waiting?: string) => ({
    metadata: { name },
    status: {
      phase,
      containerStatuses: [{ ready, state: waiting === undefined ? { running: {} } : { waiting: { reason: waiting } } }],
    },
  });
  const judge = (...items: object[]) => judgeLiqo(JSON.stringify({ items }));

  it.each([
    [
      'all ready',
      [aPod('a', 'Running', true), aPod('cert-job', 'Succeeded', false)],
      ServiceState.RUNNING,
      '1 pods ready',
    ],
    ['none', [], ServiceState.NOT_INSTALLED, 'no pod in namespace liqo'],
    ['one not ready', [aPod('a', 'Running', true), aPod('b', 'Running', false)], ServiceState.STARTING, 'not ready: b'],
    [
      'one without containers',
      [{ metadata: { name: 'c' }, status: { phase: 'Pending' } }],
      ServiceState.STARTING,
      'not ready: c',
    ],
    ['one that dies', [aPod('d', 'Running', false, 'CrashLoopBackOff')], ServiceState.ERROR, 'not well: d'],
    ['one without image', [aPod('e', 'Pending', false, 'ErrImagePull')], ServiceState.ERROR, 'not well: e'],
  ])('%s', (_, items, state, message) => {
    expect(judge(...items)).toEqual({ state, message });
  });

  it('are unknown where kubectl says something else', () => {
    expect(judgeLiqo('Unable to connect').state).toBe(ServiceState.UNSPECIFIED);
  });
});

describe('what the boot leaves behind', () => {
  it('is a timeline whose foreign lines are left out', () => {
    const text =
      '1763791200.123 kernel-start\nnonsense\n1763791201.5 short\n1763791230.456 boot-done\n1763791231.000 Not Ours\n';

    expect(parseTimeline(text)).toEqual([
      { mark: 'kernel-start', at: 1763791200123 },
      { mark: 'boot-done', at: 1763791230456 },
    ]);
    expect(parseTimeline(undefined)).toEqual([]);
  });

  it('is a notice of EC2, whole or none', () => {
    const notice = { action: 'terminate', time: '2026-11-22T06:02:00Z', at: '2026-11-22T06:00:03Z' };

    expect(parseInterruption(JSON.stringify(notice))).toEqual({
      action: 'terminate',
      time: Date.parse(notice.time),
      noticedAt: Date.parse(notice.at),
    });
    expect(parseInterruption('{"action":"terminate","time":"soon"}')).toBeUndefined();
    expect(parseInterruption('{"action":')).toBeUndefined();
    expect(parseInterruption(undefined)).toBeUndefined();
  });
});
