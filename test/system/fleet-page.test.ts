import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildPage } from '../../agent/control-plane/build.ts';
import { readSettings } from '../../agent/control-plane/settings.ts';
import { type ControlPlane, startControlPlane } from '../../agent/control-plane/start.ts';
import { HealthState, ServiceState } from '../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { browserObstacle, startBrowser, type TestBrowser, type WatchedPage } from './support/browser.ts';
import { skipLoudly } from './support/nebula-programs.ts';
import { type PageAgent, registrationOf, startAgent, statusOf } from './support/page-agent.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What assistive technology would stumble over; nothing at all is allowed. */
const violationsOf = async (page: Page): Promise<unknown[]> => {
  const found = '({ id, nodes }) => ({ id, at: nodes.map(({ target, failureSummary }) => [target, failureSummary]) })';
  return page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.map(${found}))`);
};

const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

describe.skipIf(skipLoudly('the page of the control plane', browserObstacle))('the page of the control plane', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-page-'));
  const planes: ControlPlane[] = [];
  const agents: PageAgent[] = [];
  const watched: WatchedPage[] = [];
  let browser: TestBrowser;

  beforeAll(async () => {
    [browser] = await Promise.all([startBrowser(), buildPage(join(folder, 'page'))]);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    watched.length = 0;
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.stop();
    for (const { page } of watched) await page.context().close();
    await Promise.all(planes.splice(0).map((plane) => plane.close()));
    expect(watched.flatMap(({ offences }) => offences)).toEqual([]);
  });

  const startPlane = async (flags: readonly string[] = [], httpPort = 0): Promise<ControlPlane> => {
    const fixed = [
      '--grpc-addr=127.0.0.1:0',
      `--http-addr=127.0.0.1:${httpPort}`,
      `--page-dir=${join(folder, 'page')}`,
    ];
    const settings = readSettings([...fixed, '--data-dir=:memory:', ...flags], {});
    const plane = await startControlPlane(settings, {
      log: () => undefined,
      eventTimes: { gather: 50, tick: 1000 },
    });
    planes.push(plane);
    return plane;
  };
  const agentOf = async (plane: ControlPlane, worker: string, status = statusOf(worker)): Promise<PageAgent> => {
    const agent = await startAgent(plane.grpcAddress.port, registrationOf(worker), status);
    agents.push(agent);
    return agent;
  };
  const open = async (plane: ControlPlane, options = {}, hash = ''): Promise<Page> => {
    const opened = await browser.open(`http://127.0.0.1:${plane.httpAddress.port}/${hash}`, options);
    watched.push(opened);
    return opened.page;
  };

  it('says how to add a worker while there is none, and shows one as soon as it registers', async () => {
    const plane = await startPlane();
    const page = await open(plane);
    await page.getByText('No node is registered').waitFor();

    await agentOf(plane, 'gpu-worker-7');

    const row = page.getByRole('listitem').filter({ hasText: 'gpu-worker-7' });
    await row.getByText('41 %', { exact: true }).waitFor();
    const text = await row.innerText();
    for (const part of ['gpu-worker · 10.100.2.7', 'g4dn.xlarge spot', 'online', 'healthy', 'Tesla T4', '41 %'])
      expect(text).toContain(part);
    for (const part of ['9.0 of 15.0 GiB', '61 °C', 'llama3.1:8b', 'idle 4m', 'up 1h', '≤ $0.53/h', 'so far'])
      expect(text).toContain(part);
    expect(await page.getByText('No node is registered').count()).toBe(0);
  });

  it('changes with what agents report, and is loud about an interruption', async () => {
    const plane = await startPlane();
    const agent = await agentOf(plane, 'gpu-worker-7');
    const page = await open(plane);
    await page.getByText('41 %', { exact: true }).waitFor();

    await agent.send(
      statusOf('gpu-worker-7', {
        health: HealthState.DEGRADED,
        ollama: { state: ServiceState.ERROR, message: 'CUDA error: out of memory' },
        interruption: { action: 'terminate', time: timestampFromMs(Date.now() + 100_000) },
      }),
    );

    await page.getByText(/EC2 takes this node back: terminate in 1m \d\ds/).waitFor();
    await page.getByText('1 interrupted').waitFor();
    await page.getByText('degraded', { exact: true }).waitFor();
    // News are gathered for some seconds before they are read aloud.
    await page.getByRole('status').filter({ hasText: 'gpu-worker-7' }).waitFor({ state: 'attached' });
  });

  it('shows that nodes are dead, and that the way to them may be what is broken', async () => {
    const plane = await startPlane(['--stale-timeout=1s', '--dead-threshold=2s']);
    const silenced = [await agentOf(plane, 'gpu-worker-7'), await agentOf(plane, 'gpu-worker-8')];
    const beat = setInterval(() => {
      for (const [at, agent] of silenced.entries()) void agent.send(statusOf(`gpu-worker-${at + 7}`));
    }, 300);
    const page = await open(plane);
    await page.getByText('all online').waitFor();

    clearInterval(beat);

    await page.getByText('2 dead').waitFor();
    expect(await page.getByText('healthy', { exact: true }).count()).toBe(0);
    expect(await page.title()).toBe('(2) Fleet · Carrierarr');
    await page.getByText('Every node fell silent at once').waitFor();
  });

  it('shows what agents say as text, whatever it is', async () => {
    const evil = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>`;
    const plane = await startPlane();
    const status = statusOf('any', {
      nodeId: 'host',
      loadedModels: [{ name: evil, sizeBytes: 1n, currentlyLoaded: true }],
      gpus: [{ name: evil }],
      ollama: { state: ServiceState.ERROR, message: evil },
      interruption: { action: evil },
      busyWith: evil,
      bootTimeline: [{ mark: evil, at: timestampFromMs(1) }],
    });
    agents.push(await startAgent(plane.grpcAddress.port, { ...registrationOf(evil), nodeId: 'host' }, status));
    const page = await open(plane);

    await page.getByRole('button', { name: evil }).click();

    await page.getByText('All 1 marks').click();
    expect(await page.getByText(evil).count()).toBeGreaterThan(5);
    expect(await page.locator('main script, main img').count()).toBe(0);
  });

  it('says that it is cut off, and finds back to a control plane that restarted', async () => {
    const state = [`--data-dir=${mkdtempSync(join(folder, 'data-'))}`];
    const plane = await startPlane(state);
    await agentOf(plane, 'gpu-worker-7');
    const page = await open(plane);
    await page.getByText('41 %', { exact: true }).waitFor();

    await plane.close();
    await page.getByText('Reconnecting').waitFor();
    const whileCutOff = await page.getByText('gpu-worker-7').count();
    const after = await startPlane(state, plane.httpAddress.port);
    await agentOf(after, 'gpu-worker-8');

    await page.getByText('Live').waitFor();
    await page.getByText('gpu-worker-8').waitFor();
    expect(whileCutOff).toBeGreaterThan(0);
    expect(await page.getByText('gpu-worker-7').count()).toBeGreaterThan(0);
  });

  it('can be used without a mouse', async () => {
    const plane = await startPlane();
    await agentOf(plane, 'gpu-worker-7');
    await agentOf(plane, 'lighthouse-1');
    const page = await open(plane);
    await page.getByText('lighthouse-1').waitFor();

    await page.keyboard.press('Tab');
    await page.keyboard.type('worker-7');
    await page.getByText('lighthouse-1').waitFor({ state: 'detached' });
    for (let choice = 0; choice < 4; choice++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');

    await page.getByRole('heading', { name: 'Services' }).waitFor();
    await page.locator('button:focus[aria-expanded=true]', { hasText: 'gpu-worker-7' }).waitFor();
    expect(page.url()).toContain('#node-host-of-gpu-worker-7');
    await page.keyboard.press('Space');
    await page.getByRole('heading', { name: 'Services' }).waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('#');
  });

  it('opens the node that its address names', async () => {
    const plane = await startPlane();
    await agentOf(plane, 'gpu-worker-7');

    const page = await open(plane, {}, '#node-host-of-gpu-worker-7');

    await page.getByRole('table', { name: 'Stages of the boot' }).waitFor();
    const stages = await page.getByRole('row').allInnerTexts();
    expect(stages.map((row) => row.replace(/\s+/g, ' ').trim())).toContain('mesh +10.0s 5.0s');
    await page.locator('button:focus', { hasText: 'gpu-worker-7' }).waitFor();
  });

  it('is accessible: light and dark, opened, on small screens, and cut off', async () => {
    const plane = await startPlane();
    await agentOf(plane, 'gpu-worker-7');
    await agentOf(plane, 'gpu-worker-8', statusOf('gpu-worker-8', { health: HealthState.UNHEALTHY }));
    const interruption = { action: 'terminate', time: timestampFromMs(Date.now() + 100_000) };
    await agentOf(plane, 'gpu-worker-9', statusOf('gpu-worker-9', { interruption, health: HealthState.DEGRADED }));
    const page = await open(plane, {}, '#node-host-of-gpu-worker-9');
    await page.getByRole('heading', { name: 'Services' }).waitFor();
    await page.evaluate(AXE);
    const look = async (colorScheme: 'light' | 'dark', width: number): Promise<unknown> => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 740 });
      return { violations: await violationsOf(page), overflow: await overflowOf(page) };
    };

    const looks = [
      await look('light', 1280),
      await look('dark', 1280),
      await look('light', 360),
      await look('dark', 320),
    ];
    await plane.close();
    await page.getByText('Reconnecting').waitFor();
    const cutOff = [await look('light', 320), await look('dark', 820)];

    const fine = { violations: [], overflow: 0 };
    expect(looks).toEqual([fine, fine, fine, fine]);
    expect(cutOff).toEqual([fine, fine]);
  });
});
