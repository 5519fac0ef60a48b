import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aProblem, aWorker } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const COLD_START = {
  launchedAt: '2026-11-21T09:00:03.000Z',
  stages: { instanceStart: 17, systemStart: 9.04, configAndSecrets: 7.5, mesh: 0.5, boot: 34.12, inService: 302.4 },
};

let fleet: DeployedFleet;
beforeEach(async () => {
  fleet = await deployedFleet();
  const workers = [
    aWorker({
      name: 'gpu-2',
      phase: 'RESERVED',
      instanceId: null,
      instanceType: null,
      market: null,
      certificateNotAfter: null,
    }),
    aWorker({ name: 'gpu-1', coldStart: COLD_START }),
  ];
  fleet.api.answer('GET /workers', { status: 200, body: { workers } });
  const removed = aWorker({ name: 'gone', phase: 'REMOVED' });
  fleet.api.answer('GET /workers?all=true', { status: 200, body: { workers: [...workers, removed] } });
});
afterEach(() => fleet.close());

describe('status', () => {
  it('shows the living fleet as a table, by name', async () => {
    const { code, out } = await fleet.run('status');

    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      [
        'NAME',
        'ROLE',
        'PHASE',
        'CLUSTER',
        'OFFERS',
        'ADDRESS',
        'INSTANCE',
        'TYPE/MARKET',
        'BOOT',
        'AGE',
        'CERTIFICATE ENDS',
      ],
      [
        ...['gpu-1', 'gpu-worker', 'READY', 'aws-k3s', '-', '10.100.2.1'],
        ...['i-0123456789abcdef0', 'g4dn.xlarge/spot', '34.1s', '3h', 'in 7d'],
      ],
      ['gpu-2', 'gpu-worker', 'RESERVED', 'aws-k3s', '-', '10.100.2.1', '-', '-', '-', '3h', '-'],
      [''],
    ]);
  });

  it.each([
    [{ node: 'carrierarr-gpu-1', gpu: '1' }, '1 GPU'],
    [{ gpu: '0' }, '-'],
    [{ virtualNode: 'aws-k3s', capacity: '{"cpu":"4","memory":"8Gi","nvidia.com/gpu":"1"}' }, '4 CPU, 8Gi, 1 GPU'],
    [{ virtualNode: 'aws-k3s', capacity: '{"cpu":"4","mem' }, '-'],
  ])('shows what %o offers', async (details, offers) => {
    fleet.api.answer('GET /workers', { status: 200, body: { workers: [aWorker({ details })] } });

    const { out } = await fleet.run('status');

    expect(out.split('\n')[1]?.split(/ {2,}/)[4]).toBe(offers);
  });

  it('shows removed workers with --all', async () => {
    expect((await fleet.run('status --all')).out).toContain('gone');
    expect((await fleet.run('status')).out).not.toContain('gone');
  });

  it('is JSON with --json', async () => {
    const { out } = await fleet.run('status --json');

    expect(JSON.parse(out)).toMatchObject({ workers: [{ name: 'gpu-1', phase: 'READY' }, { name: 'gpu-2' }] });
  });

  it('shows everything about one worker, its failure included', async () => {
    const failure = { error: 'CapacityError', cause: 'no pool had capacity' };
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ name: 'gpu-1', failure }) });

    const { out } = await fleet.run('status gpu-1');

    expect(out).toMatch(/^gpu-1\n {2}role +gpu-worker\n/);
    expect(out).toContain('cluster      aws-k3s');
    expect(out).toContain('public ip    203.0.113.7');
    expect(out).toContain('failure      CapacityError: no pool had capacity');
  });

  it.each([
    [
      COLD_START,
      'boot 34.1s, in service 5m 02s (instance start 17.0s, system start 9.0s, config and secrets 7.5s, mesh 0.5s)',
    ],
    [{ ...COLD_START, stages: { configAndSecrets: 7.5 } }, 'config and secrets 7.5s'],
    [{ ...COLD_START, stages: { boot: 34.12 } }, 'boot 34.1s'],
  ])('tells what the cold start took, as far as it is known: %o', async (coldStart, told) => {
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ name: 'gpu-1', coldStart }) });

    expect((await fleet.run('status gpu-1')).out).toContain(`cold start   ${told}\n`);
  });

  it('reads what a stack says that knows of no cold start', async () => {
    const { coldStart: _, ...worker } = aWorker({ name: 'gpu-1' });
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: worker });

    const { code, out } = await fleet.run('status gpu-1');

    expect(code).toBe(0);
    expect(out).not.toContain('cold start');
  });

  it('ends with exit code 3 for a worker that does not exist', async () => {
    fleet.api.answer('GET /workers/nobody', {
      status: 404,
      body: aProblem({ status: 404, detail: 'no worker nobody' }),
    });

    expect(await fleet.run('status nobody')).toMatchObject({ code: 3, out: '' });
  });

  it('keeps watching until interrupted, writing again only what changed into a pipe', async () => {
    const controller = new AbortController();
    const interruption = { signal: controller.signal, notice: '', arm: () => {}, disarm: () => {} };
    const enough = setInterval(() => {
      if (fleet.api.requests.length >= 3) controller.abort();
    }, 5);

    const { code, out } = await fleet.run('status --watch --json', { interruption });

    clearInterval(enough);
    expect(code).toBe(130);
    expect(out.trim().split('\n')).toHaveLength(1);
  });

  it('says so when there is no worker', async () => {
    fleet.api.answer('GET /workers', { status: 200, body: { workers: [] } });

    expect((await fleet.run('status')).out).toBe('There is no worker. Add one with: carrierarr provision\n');
  });
});
