import { describe, expect, it } from 'vitest';
import { STEPS } from '#contract';
import { judgeInvocation } from '../../../lambda/run-command/judge-invocation.ts';
import { inHomelab, onWorkers } from '../../../lambda/run-command/places.ts';
import type { Invocation } from '../../../lambda/run-command/port.ts';
import { createMemoryRegistry } from '../../fake/memory-registry.ts';
import { anInvocation, aVerdict, NAME } from './builders.ts';

const registry = createMemoryRegistry();
const subject = { name: NAME, step: 'verify-nebula' };
const placeOf = (step: string) => (step.startsWith('homelab-') ? inHomelab : onWorkers)(registry);
const judge = (invocation: Partial<Invocation>, step = 'verify-nebula') =>
  judgeInvocation({ ...subject, step, place: placeOf(step) }, anInvocation(invocation));
const errorOf = (invocation: Partial<Invocation>, step?: string) => {
  const judgement = judge(invocation, step);
  if (judgement.kind !== 'failure') throw new Error(`expected a failure, got ${judgement.kind}`);
  return judgement.error;
};

describe('a command that has not ended', () => {
  it.each([
    ['Pending', 'Pending'],
    ['InProgress', 'InProgress'],
    ['InProgress', 'In Progress'],
    ['Delayed', 'Delayed'],
    ['Cancelling', 'Cancelling'],
  ])('is open while it is %s (%s)', (status, statusDetails) => {
    expect(judge({ status, statusDetails })).toEqual({ kind: 'open' });
  });
});

describe('a final status', () => {
  it.each([
    ['Failed', 'Failed', 'StepFailedError'],
    ['TimedOut', 'Execution Timed Out', 'StepTimedOutError'],
    ['TimedOut', 'ExecutionTimedOut', 'StepTimedOutError'],
    ['TimedOut', 'TimedOut', 'StepTimedOutError'],
    ['TimedOut', 'Delivery Timed Out', 'StepUndeliverableError'],
    ['TimedOut', 'DeliveryTimedOut', 'StepUndeliverableError'],
    ['Failed', 'Undeliverable', 'StepUndeliverableError'],
    ['Cancelled', 'Cancelled', 'StepCancelledError'],
    ['Failed', 'Terminated', 'StepCancelledError'],
    ['Failed', 'InvalidPlatform', 'ConfigurationError'],
    ['Failed', 'Invalid Platform', 'ConfigurationError'],
    ['Failed', 'AccessDenied', 'PermissionError'],
    ['Failed', 'Access Denied', 'PermissionError'],
    ['Failed', 'SomethingNew', 'StepFailedError'],
    ['SomethingNew', 'SomethingNew', 'StepFailedError'],
  ])('%s (%s) is a %s that names worker and step', (status, statusDetails, name) => {
    const error = errorOf({ status, statusDetails, exitCode: 1 });

    expect(error.name).toBe(name);
    expect(error.message).toContain(NAME);
    expect(error.message).toContain('verify-nebula');
    expect(error.remedy).not.toBe('');
  });
});

describe('a successful command', () => {
  it("hands on the step's verdict with its data", () => {
    const judgement = judge({ stdout: `noise\n${aVerdict({ pings: 2, tail: 'done' })}` });

    expect(judgement).toEqual({
      kind: 'success',
      result: { step: 'verify-nebula', ok: true, rc: 0, tail: 'done', pings: 2 },
    });
  });

  it.each([
    ['no output', ''],
    ['no JSON', 'all fine\n'],
    ["another step's verdict", aVerdict({ step: 'await-boot' })],
    ['a verdict that is not ok', aVerdict({ ok: false })],
    ['a verdict that is not the last line', `${aVerdict()}something else\n`],
  ])('fails closed on %s', (_, stdout) => {
    expect(errorOf({ stdout }).name).toBe('StepFailedError');
  });
});

describe('a failed command', () => {
  const failed = (verdict: Record<string, unknown>, step?: string) =>
    errorOf(
      {
        status: 'Failed',
        exitCode: Number(verdict.rc),
        stdout: aVerdict({ ok: false, step: step ?? subject.step, ...verdict }),
      },
      step,
    );

  it('carries the reason and the last lines of the script', () => {
    const error = failed({ rc: 1, reason: 'lighthouse silent', tail: 'line 1\nline 2' });

    expect(error.name).toBe('StepFailedError');
    expect(error.got).toBe('exit code 1: lighthouse silent\nline 1\nline 2');
  });

  it('carries the end of the raw output where the script got to no verdict', () => {
    const error = errorOf({ status: 'Failed', exitCode: 1, stdout: 'out\n', stderr: `${'x'.repeat(5000)}the end` });

    expect(error.got).toMatch(/x+the end$/);
    expect(error.got?.length).toBeLessThan(1600);
  });

  it('strips control sequences from what the script printed', () => {
    const error = failed({ rc: 1, reason: '\u001b[31mred\u001b[0m', tail: '\u001b]0;title\u0007a\rb\u0000\u009bc' });

    expect(error.got).toBe('exit code 1: red\na\nbc');
  });

  it.each([70, 137])('with exit code %i was killed for want of memory', (rc) => {
    const error = failed({ rc });

    expect(error.name).toBe('StepTimedOutError');
    expect(error.what).toContain('want of memory');
    expect(error.remedy).toContain('larger instance type');
  });

  it('was killed for want of memory where the agent calls exit code 137 a time-out', () => {
    const error = errorOf({ status: 'TimedOut', statusDetails: 'TimedOut', exitCode: 137 });

    expect(error.what).toContain('want of memory');
  });

  it('of the preflight names every fault with its remedy', () => {
    const faults = [
      { what: 'liqo namespace', got: 'enforce=baseline', remedy: 'label it privileged' },
      { what: 'Cilium devices', got: 'unset', remedy: 'set devices' },
    ];

    const error = failed({ rc: 1, faults, tail: 'noise' }, 'homelab-preflight');

    expect(error.name).toBe('PreflightFailedError');
    expect(error.got).toBe(
      'liqo namespace: enforce=baseline (label it privileged) | Cilium devices: unset (set devices)',
    );
    expect(error.remedy).toContain('nothing has been changed or launched');
  });

  it.each(['peer', 'homelab-peer', 'verify-peering', 'homelab-verify-peering'])(
    'of %s is a failed peering with the checks that did not pass',
    (step) => {
      const checks = [
        { name: 'tunnel-connected', ok: true, ms: 41 },
        { name: 'home-to-aws-1MiB', ok: false, detail: 'stalled after 1140-byte payloads', remedy: '--mtu 1140' },
      ];

      const error = failed({ rc: 1, checks, reason: 'a check failed' }, step);

      expect(error.name).toBe('PeeringFailedError');
      expect(error.got).toBe('home-to-aws-1MiB: stalled after 1140-byte payloads (--mtu 1140)');
    },
  );

  it.each([undefined, 'no list', [], [{ name: 'fine', ok: true }], [7]])(
    'of a peering that names no check (%o) carries its reason',
    (checks) => {
      expect(failed({ rc: 1, checks, reason: 'timed out' }, 'homelab-peer').got).toBe('timed out');
    },
  );

  it.each(['homelab-preflight', 'homelab-peer', 'verify-peering'])(
    'of %s that could not do its work is nothing but a failed step',
    (step) => {
      expect(failed({ rc: 75, reason: 'another step runs' }, step).name).toBe('StepFailedError');
      expect(errorOf({ status: 'Failed', exitCode: 1, stdout: 'boom' }, step).name).toBe('StepFailedError');
    },
  );

  it('carries the remedy of its step, and where to read on', () => {
    const { remedy } = failed({ rc: 1 }, 'install-cilium');

    expect(remedy).toContain(STEPS['install-cilium'].remedy);
    expect(remedy).toContain(`carrierarr logs ${NAME}`);
  });

  it('of await-boot is a failed boot with its reason', () => {
    const error = failed({ rc: 1, reason: 'secret was not readable within 120 s', boot: 'failed' }, 'await-boot');

    expect(error.name).toBe('BootFailedError');
    expect(error.got).toBe('secret was not readable within 120 s');
  });

  it.each([64, 75])('of await-boot with exit code %i says nothing of the boot', (rc) => {
    expect(failed({ rc }, 'await-boot').name).toBe('StepFailedError');
  });

  it('of await-boot without a verdict says nothing of the boot', () => {
    expect(errorOf({ status: 'Failed', exitCode: 1, stdout: 'boom' }, 'await-boot').name).toBe('StepFailedError');
  });
});
