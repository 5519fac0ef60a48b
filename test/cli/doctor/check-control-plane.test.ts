import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkControlPlane } from '../../../cli/doctor/check-control-plane.ts';
import type { FleetOutputs } from '../../../cli/doors/outputs.ts';
import { type Answer, fakeAws } from '../../agent/control-plane/aws/support/fake-aws.ts';
import { fleetSettings, NOW } from '../support/builders.ts';

let page: Awaited<ReturnType<typeof fakeAws>> | undefined;
// The command has few seconds for it; the machine that tests it may stand still for as long.
beforeEach(() => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await page?.close();
  page = undefined;
});

const DAY = 86_400_000;
const outputsOf = (values: Partial<Record<Parameters<FleetOutputs['find']>[0], string>>): FleetOutputs => ({
  find: (key) => values[key],
  get: (key) => values[key] ?? '',
  settings: fleetSettings,
});
const IDENTITY = { controlPlaneTrustAnchor: 'arn' };
const check = (values: Parameters<typeof outputsOf>[0], settings = fleetSettings()) =>
  checkControlPlane(outputsOf(values), settings, NOW);
const answering = async (answer: Answer) => {
  page = await fakeAws(() => answer);
  return check({ ...IDENTITY, controlPlaneUrl: `${page.url}/fleet` });
};
const until = (end: number) =>
  answering({ status: 200, body: `# HELP\ncarrierarr_aws_certificate_expiry_seconds ${end / 1000}\n` });

describe("the doctor's look at the control plane", () => {
  it('warns that idle workers stay where nobody tells AWS of them', async () => {
    expect(await check({})).toMatchObject([
      {
        status: 'warn',
        detail: expect.stringContaining('idle'),
        remedy: expect.stringContaining('homelab certificate'),
      },
    ]);
  });

  it('has nothing to say where none are to be torn down', async () => {
    expect(await check({}, fleetSettings({ agent: { idleMinutes: 0, idleWarningMinutes: 0 } }))).toEqual([]);
  });

  it('is content with one that answers and whose certificate lasts', async () => {
    expect(await until(NOW.getTime() + 31 * DAY)).toMatchObject([{ status: 'ok' }]);
    expect(page?.received[0]?.path).toBe('/fleet/metrics');
  });

  it.each([
    [29, 'ends at'],
    [-1, 'AWS is told nothing'],
  ])('warns of a certificate that has %d days', async (days, words) => {
    expect(await until(NOW.getTime() + days * DAY)).toMatchObject([
      { status: 'ok' },
      { status: 'warn', detail: expect.stringContaining(words), remedy: expect.stringContaining('--renew') },
    ]);
  });

  it('takes one that has read no certificate for what it is', async () => {
    expect(await until(0)).toMatchObject([{ status: 'ok' }]);
  });

  it('only warns where it does not answer: nobody is always at home', async () => {
    expect(await answering({ status: 502, body: '' })).toMatchObject([
      { status: 'warn', detail: expect.stringContaining('502') },
    ]);
    expect(await check({ ...IDENTITY, controlPlaneUrl: 'http://127.0.0.1:9' })).toMatchObject([
      { status: 'warn', remedy: expect.stringContaining('away from home') },
    ]);
  });
});
