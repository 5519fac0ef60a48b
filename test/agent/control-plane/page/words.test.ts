import { describe, expect, it } from 'vitest';
import { bootOf } from '../../../../agent/control-plane/page/model/boot.ts';
import { totalGpus } from '../../../../agent/control-plane/page/model/gpus.ts';
import { elementIdOf, nodeOfHash } from '../../../../agent/control-plane/page/model/link.ts';
import {
  formatBytes,
  formatMebibytes,
  formatShareOf,
  shareOf,
} from '../../../../agent/control-plane/page/model/quantity.ts';
import {
  formatAgo,
  formatIdle,
  formatInterruption,
  formatUptime,
} from '../../../../agent/control-plane/page/model/times.ts';
import { lookOf, nameOf } from '../../../../agent/control-plane/page/model/words.ts';
import { ago, gpuView, NOW, nodeView } from './builders.ts';

describe('times', () => {
  it.each([
    [0.5, 'just now'],
    [-40, 'just now'],
    [12, '12s ago'],
    [4000, '1h 6m ago'],
  ])('%d seconds ago read %s', (seconds, text) => {
    expect(formatAgo(ago(seconds), NOW)).toBe(text);
  });

  it('say never where there is no instant', () => {
    expect(formatAgo('', NOW)).toBe('never');
  });

  it('count the uptime on between two reports of a node that is heard of', () => {
    expect(formatUptime(nodeView(), NOW + 120_000)).toBe('up 1h 2m');
    expect(formatUptime(nodeView({ state: 'dead' }), NOW + 120_000)).toBe('up 1h');
  });

  it('say what keeps a node busy', () => {
    expect(formatIdle(nodeView({ busy_with: 'PULL_MODEL' }))).toBe('busy: PULL_MODEL');
    expect(formatIdle(nodeView({ idle_seconds: 3 }))).toBe('busy');
    expect(formatIdle(nodeView())).toBe('idle 4m');
  });

  it.each([
    [ago(-97), 'terminate in 1m 37s'],
    [ago(-9), 'terminate in 9s'],
    [ago(5), 'terminate is due'],
    [null, 'terminate soon'],
  ])('count down to an interruption at %s', (time, text) => {
    expect(formatInterruption({ action: 'terminate', time, noticed_at: null }, NOW)).toBe(text);
  });
});

describe('quantities', () => {
  it('have the unit that people use', () => {
    expect([formatMebibytes(512), formatMebibytes(15_360), formatMebibytes(200_000)]).toEqual([
      '512 MiB',
      '15.0 GiB',
      '195 GiB',
    ]);
    expect([formatBytes(274e6), formatBytes(4.9e9)]).toEqual(['274 MB', '4.9 GB']);
    expect([formatShareOf(9800, 15_360), formatShareOf(300, 15_360)]).toEqual([
      '9.6 of 15.0 GiB',
      '300 MiB of 15.0 GiB',
    ]);
  });

  it('are shares between nothing and all, whatever an agent says', () => {
    expect([shareOf(5, 0), shareOf(-5, 10), shareOf(50, 10), shareOf(5, 10)]).toEqual([0, 0, 1, 0.5]);
  });

  it('of several GPUs are one line', () => {
    const total = totalGpus([gpuView(), gpuView({ index: 1, utilization: 80, temperature_c: 70 })]);

    expect(total).toMatchObject({ title: '2 × Tesla T4', memoryUsedMb: 8192, temperatureC: 70 });
    expect(total?.utilization).toBeCloseTo(0.6);
    expect(totalGpus([])).toBeUndefined();
  });
});

describe('a node', () => {
  it('is called by its worker, and by itself where an agent does not say', () => {
    expect(nameOf(nodeView())).toBe('gpu-worker-5');
    expect(nameOf(nodeView({ worker: '' }))).toBe('ip-10-0-3-5');
  });

  it('that is not heard of does not look healthy', () => {
    expect(lookOf(nodeView())).toBe('good');
    expect(lookOf(nodeView({ state: 'stale' }))).toBe('warning');
    expect(lookOf(nodeView({ state: 'dead' }))).toBe('bad');
    expect(lookOf(nodeView({ health: 'HEALTH_STATE_UNHEALTHY' }))).toBe('bad');
  });

  it('has an address of its own, whatever its name', () => {
    const id = 'a "b" <i>c</i>/ä%20';

    expect(nodeOfHash(`#${elementIdOf(id)}`)).toBe(id);
    expect(elementIdOf(id)).not.toMatch(/[\s"<>]/);
  });

  it.each(['', '#', '#nodes', '#node-%E0%A4%A'])('is not named by %j', (hash) => {
    expect(nodeOfHash(hash)).toBeUndefined();
  });
});

describe('the boot', () => {
  const marksAt = (...marks: readonly (readonly [mark: string, second: number])[]) =>
    marks.map(([mark, second]) => ({ mark, at: ago(100 - second) }));

  it('is shown in the stages of the status command, those side by side as such', () => {
    const boot = bootOf(
      marksAt(
        ['boot-done', 34],
        ['kernel-start', 0],
        ['boot-start', 9],
        ['identity-installed', 13.5],
        ['mesh-address-up', 16],
        ['k3s-ready', 29],
        ['k3s-ready', 60],
      ),
    );

    expect(boot?.end).toBe('done');
    expect(boot?.total).toBeCloseTo(34);
    expect(boot?.stages.map(({ title, from, seconds }) => [title, from, seconds])).toEqual([
      ['system start', 0, 9],
      ['config and secrets', 9, 4.5],
      ['mesh', 13.5, 2.5],
      ['k3s', 13.5, 15.5],
    ]);
  });

  it('that failed says so', () => {
    expect(bootOf(marksAt(['boot-start', 0], ['boot-failed', 30]))).toMatchObject({ end: 'failed', total: 30 });
  });

  it('is unknown without a mark that has a time', () => {
    expect(bootOf([])).toBeUndefined();
    expect(bootOf([{ mark: 'boot-start', at: null }])).toBeUndefined();
  });
});
